"""Paths, times and numbers as text for people."""

from __future__ import division

import time


def printable(path):
    """Return `path` as text. On Python 2 what is no UTF-8 becomes U+FFFD."""
    return path if isinstance(path, type(u'')) else path.decode('utf-8', 'replace')


def utc(seconds):
    """Return the time `seconds` since 1970 as text in UTC, or `@seconds` if no calendar has it."""
    try:
        moment = time.gmtime(seconds)
    except (ValueError, OverflowError, EnvironmentError):
        return '@%d' % seconds
    if seconds < 0:
        # strftime is faster, but on Python 2 it refuses years before 1900.
        return '%04d-%02d-%02dT%02d:%02d:%02dZ' % moment[:6]
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', moment)


def counted(number, noun, plural=None):
    """Return `number` with its noun: `1 object`, `2 objects`; `plural` for other endings."""
    return '%d %s' % (number, noun if number == 1 else plural or noun + 's')


def in_units(number):
    """Return a number of bytes as text, in the largest unit that gives 1 or more: `1.5 KiB`."""
    for unit in ('B', 'KiB', 'MiB', 'GiB', 'TiB'):
        if number < 1024:
            return '%.*f %s' % (unit != 'B', number, unit)
        number /= 1024
    return '%.1f PiB' % number
