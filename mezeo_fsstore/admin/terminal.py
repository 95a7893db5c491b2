"""The standard streams: output, failures, and on a terminal how far long work has come."""

import sys
import time

# Seconds between two counts: the terminal must not slow the work down.
_PAUSE = 0.2


def binary(stream):
    """Return the standard stream `stream` as one of bytes, which it is already on Python 2."""
    return getattr(stream, 'buffer', stream)


def printable(path):
    """Return `path`, as the system gives it, as text; what is no text stays recognizable."""
    return path if isinstance(path, type(u'')) else path.decode('utf-8', 'replace')


def say(line):
    """Say `line` on standard error."""
    sys.stderr.write('mezeo_fsstore: %s\n' % line)


def fail(line):
    """Say `line` on standard error; return the exit status of a failure."""
    say(line)
    return 1


def meter(unit, beside=None):
    """Return an object with `update(n)` that counts so many `unit`, and `close()`, for a `with`.

    On a terminal it is tqdm's where that is installed, else a plain count; elsewhere it is silent,
    and also where `beside`, the stream that the work itself writes, is a terminal.
    """
    if not sys.stderr.isatty() or beside and beside.isatty():
        return _Silent()
    try:
        from tqdm import tqdm
    except ImportError:
        return _Count(unit)
    return tqdm(unit=' ' + unit, unit_scale=True, leave=False)


class _Silent(object):

    def update(self, number):
        pass

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Count(_Silent):

    def __init__(self, unit):
        self._unit, self._number, self._next = unit, 0, 0

    def update(self, number):
        self._number += number
        if time.time() >= self._next:
            self._next = time.time() + _PAUSE
            self._show('%d %s' % (self._number, self._unit))

    def close(self):
        self._show('')

    def _show(self, text):
        # To the start of the line, and clear the rest of it.
        sys.stderr.write('\r%s\033[K' % text)
        sys.stderr.flush()
