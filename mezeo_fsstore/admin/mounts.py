"""The mounted filesystems, as /proc/self/mountinfo lists them."""

import os
import re
from collections import namedtuple

from mezeo_fsstore.compat import native_name

_TABLE = '/proc/self/mountinfo'

# `point` is the path where it is mounted. `kind` is its type, such as ext4 or fuse.sshfs. `options`
# is a frozenset of the options of the mount and of the filesystem, such as rw or lookupcache=pos.
Mount = namedtuple('Mount', 'point kind options')


def mount_of(path, table=None):
    """Return the Mount that holds `path`, None where the system does not tell.

    `table` replaces the system's list, for tests: bytes in the form of /proc/self/mountinfo.
    """
    path = os.path.realpath(path)
    rows = _rows(_read_table() if table is None else table)
    known = set(number for number, _, _ in rows)
    found, at = None, None
    while True:
        # From the top mount downwards, as the system looks up a path. The longest mount point may
        # be the wrong one: a later mount above it may cover it.
        below = [(number, mount) for number, parent, mount in rows
                 if (parent if parent in known and parent != number else None) == at
                 and _holds(mount.point, path)]
        if not below:
            return found
        # Of two at one point the later covers the other.
        at, found = min(reversed(below), key=lambda pair: len(pair[1].point))


def _read_table():
    try:
        with open(_TABLE, 'rb') as stream:
            return stream.read()
    except EnvironmentError:
        return b''


def _rows(table):
    """Return for each line: the id of the mount, the id of its parent, and the Mount."""
    rows = []
    for line in table.splitlines():
        # The number of fields before the dash varies.
        before, _, after = line.partition(b' - ')
        before, after = before.split(b' '), after.split(b' ')
        options = before[5].split(b',') + after[2].split(b',')
        rows.append((before[0], before[1], Mount(
            _name(before[4]), _name(after[0]), frozenset(_name(option) for option in options))))
    return rows


def _name(field):
    """Return a field as a native `str`. The table has blanks and backslashes in octal."""
    return native_name(re.sub(br'\\([0-7]{3})', _byte, field))


def _byte(match):
    return bytes(bytearray([int(match.group(1), 8)]))


def _holds(point, path):
    return path == point or path.startswith(point.rstrip('/') + '/')
