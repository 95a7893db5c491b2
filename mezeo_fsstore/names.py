"""The names of all files and directories that we make in a root, and their patterns.

    .mezeo_fsstore                                           the marker
    3f0/3f0c58e990a355f5f07de05d645163a5                     an object: its shard and its name
    3f0/.3f0c58e990a355f5f07de05d645163a5.9b2f01c3a4d5e6f7   a temporary, to become that object
    .mezeo_fsstore.quarantine/3f0/3f0c58e9...                a damaged object, moved out of the way
    .mezeo_fsstore.check.9b2f01c3a4d5e6f7                    a small root, in which `check` works

A name is 128 random bits. Its shard is one of 4,096 directories, which keeps each below 25,000
entries at 10^8 objects. An object is found by the path in its `module_data`, never by a rule, so
the way to choose shards may change, and stored objects stay where they are.
"""

import os
import re

from mezeo_fsstore.compat import hexadecimal

MARKER = '.mezeo_fsstore'

# The directory of damaged objects, under the same paths as in the root.
QUARANTINE = MARKER + '.quarantine'

# The pattern of an object's path.
OBJECT = r'[0-9a-f]{3}/[0-9a-f]{32}'

# `\Z` and not `$`, which lets a newline follow.
_SHARD = re.compile(r'[0-9a-f]{3}\Z')
_OBJECT = re.compile(OBJECT + r'\Z')
_TEMPORARY = re.compile(r'([0-9a-f]{3}/\.[0-9a-f]{32}|\.%s)\.[0-9a-f]{16}\Z' % re.escape(MARKER))
_QUARANTINED = re.compile(r'%s/%s\Z' % (re.escape(QUARANTINE), OBJECT))
_CHECK_ROOT = re.compile(r'%s\.check\.[0-9a-f]{16}\Z' % re.escape(MARKER))
_PLACE = re.compile(r'({0}|({0}/)?[0-9a-f]{{3}})\Z'.format(re.escape(QUARANTINE)))


def random_hex(size):
    """Return `size` random bytes in hexadecimal. No other thread, fork or node gets the same."""
    return hexadecimal(os.urandom(size))


def new_object():
    """Return the path of a new object, relative to the root, as a native `str`."""
    name = random_hex(16)
    return '%s/%s' % (name[:3], name)


def temporary_of(path):
    """Return a fresh temporary name next to `path`.

    GlusterFS puts a file with a name of this form on the brick of the final name.
    """
    directory, _, name = path.rpartition('/')
    return '%s/.%s.%s' % (directory, name, random_hex(8))


def new_check_root():
    """Return a fresh name for the small root in which `check` works."""
    return '%s.check.%s' % (MARKER, random_hex(8))


def is_shard(name):
    """Return whether `name` is that of a shard: a directory of objects in the root."""
    return _SHARD.match(name) is not None


def is_object(path):
    """Return whether `path`, relative to the root, is one that `new_object` could return."""
    return _OBJECT.match(path) is not None


def is_temporary(path):
    """Return whether `path`, relative to the root, is that of a temporary.

    That is one of an object, of the marker, or a file with which a command tries something.
    """
    return _TEMPORARY.match(path) is not None


def quarantined(path):
    """Return the path in quarantine of the object at `path`."""
    return '%s/%s' % (QUARANTINE, path)


def of_quarantined(path):
    """Return the path of an object from its path in quarantine. All are relative to the root."""
    return path[len(QUARANTINE) + 1:]


def is_quarantined(path):
    """Return whether `path`, relative to the root, is that of an object in quarantine."""
    return _QUARANTINED.match(path) is not None


def is_check_root(name):
    """Return whether `name`, in the root, is that of a small root of `check`."""
    return _CHECK_ROOT.match(name) is not None


def is_place(path):
    """Return whether `path`, relative to the root, is that of a shard, of the quarantine or of a
    shard in it."""
    return _PLACE.match(path) is not None
