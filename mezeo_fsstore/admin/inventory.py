"""What lies in a root, by kind: objects, temporaries, what `check` and `scrub` put there, and
what is foreign.

A walk goes from place to place. A place is a directory: the root, a shard, the quarantine, a shard
in it. The walk keeps the names of the 4,096 shards in memory, and on Python 2 those of one
directory. Files may appear and vanish meanwhile. No symbolic link is followed, and no foreign
directory is entered.

What can't be read does not end a walk. The functions of a walk have a parameter `failed`, a
function that is called once with each such error. An instance of `Failures` is one: it prints and
counts them.
"""

import stat
from collections import namedtuple

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.advice import explain
from mezeo_fsstore.admin.terminal import say

# The kinds. A leftover is the small root of a `check` that was killed, or still runs.
OBJECT, TEMPORARY, LEFTOVER, QUARANTINED, FOREIGN = KINDS = (
    'object', 'temporary', 'check', 'quarantined', 'foreign')

# `path` is relative to the root, `status` is its `os.lstat`.
Entry = namedtuple('Entry', 'kind path status')


class Failures(object):
    """Prints each error in `root`, one line on standard error, and counts them in `number`."""

    def __init__(self, root):
        self.number = 0
        self._root = root.path

    def __call__(self, error):
        self.number += 1
        say(explain(error, self._root))

    @property
    def status(self):
        """The exit status of a command that has gone on after them: 1 if there were any, else 0."""
        return 1 if self.number else 0


def shards(root, failed, part=(1, 1)):
    """Return the names of the shards of `root`, a `Root`, in order.

    With a `part` (K, N) only those whose number, modulo N, is K - 1.
    Raises the system's error where the root can't be listed.
    """
    part, parts = part
    return [name for name in _shards_in(root, '', failed) if int(name, 16) % parts == part - 1]


def quarantine(root, failed):
    """Return the directories of quarantine, as paths relative to the root, in order."""
    if not _is_directory(root, names.QUARANTINE, failed):
        return []
    try:
        found = _shards_in(root, names.QUARANTINE, failed)
    except EnvironmentError:
        found = []  # `entries_in` lists it again and reports the error
    return [names.QUARANTINE] + ['%s/%s' % (names.QUARANTINE, name) for name in found]


def places(root, failed):
    """Return all directories to look in with `entries_in`: the root, '', is the first.

    Raises the system's error where the root can't be listed.
    """
    return [''] + quarantine(root, failed) + shards(root, failed)


def _shards_in(root, place, failed):
    found = []
    try:
        for name in disk.listdir(root.join(place)):
            if names.is_shard(name):
                found.append(name)
    except EnvironmentError as error:
        if not found:
            raise
        failed(error)
    return sorted(found)


def entries_in(root, place, failed):
    """Yield an Entry for each file and directory in `place`, a path relative to the root.

    Other places, and the marker, are left out.
    """
    if place and not _is_directory(root, place, failed):
        return
    prefix = place and place + '/'
    for name, status, error in disk.scan(root.join(place)):
        path = prefix + name
        if error is None:
            kind = _kind(path, status.st_mode)
            if kind is not None:
                yield Entry(kind, path, status)
        # Another place reports its error when the walk gets there. A vanished one is no failure.
        elif not names.is_place(path) and (not place or not disk.has_vanished(error)):
            failed(error)


def digest_of(path):
    """Return the digest in the attribute of the file `path`, a full path; None for none.

    The content is not read. Raises the system's error.
    """
    fd = disk.open_to_read(path)
    try:
        return disk.get_digest(fd, path)
    finally:
        disk.release(fd)


def _is_directory(root, place, failed):
    try:
        return stat.S_ISDIR(disk.status_of_name(root.join(place)).st_mode)
    except EnvironmentError as error:
        if not disk.has_vanished(error):
            failed(error)
        return False


def _kind(path, mode):
    """Return the kind of what is at `path`, or None for the marker and places."""
    if stat.S_ISREG(mode):
        if names.is_object(path):
            return OBJECT
        if names.is_temporary(path):
            return TEMPORARY
        if names.is_quarantined(path):
            return QUARANTINED
        if path == names.MARKER:
            return None
    elif stat.S_ISDIR(mode):
        if names.is_place(path):
            return None
        if names.is_check_root(path):
            return LEFTOVER
    return FOREIGN
