"""What lies in a root, told apart: objects, temporaries, and what is foreign.

It streams, so a root of any size takes the memory of one directory at most (Python 2 lists that at
once). Files may appear and vanish meanwhile. No symbolic link is followed, and no foreign directory
is entered.
"""

import errno
import stat
from collections import namedtuple

from mezeo_fsstore import disk, names

OBJECT, TEMPORARY, FOREIGN = 'object', 'temporary', 'foreign'

# `path` is relative to the root, `status` is its `os.lstat`.
Entry = namedtuple('Entry', 'kind path status')


def entries(root):
    """Yield an Entry for each thing in `root`, a `Root`, but for its marker and its shards.

    Raises the system's error for a directory that can't be read.
    """
    for name in disk.listdir(root.path):
        status = _status(root, name)
        if status is None or name == names.MARKER:
            continue
        if names.is_shard(name) and stat.S_ISDIR(status.st_mode):
            for path in _paths(root, name):
                status = _status(root, path)
                if status is not None:
                    yield Entry(_kind(path, status), path, status)
        else:
            yield Entry(_kind(name, status), name, status)


def _paths(root, shard):
    try:
        for name in disk.listdir(root.join(shard)):
            yield '%s/%s' % (shard, name)
    except EnvironmentError as error:
        if not _has_vanished(error):
            raise


def _status(root, path):
    """Return the status of what is at `path`, None if it has vanished since it was listed."""
    try:
        return disk.status_of_name(root.join(path))
    except EnvironmentError as error:
        if not _has_vanished(error):
            raise
        return None


def _has_vanished(error):
    return error.errno in (errno.ENOENT, errno.ENOTDIR)


def _kind(path, status):
    if stat.S_ISREG(status.st_mode):
        if names.is_object(path):
            return OBJECT
        if names.is_temporary(path):
            return TEMPORARY
    return FOREIGN
