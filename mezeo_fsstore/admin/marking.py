"""`init`: the marker of a root; and the clock of its filesystem.

A marker is readable for all: it is no secret, and the server that must read it is seldom the
administrator who makes it.
"""

import errno

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.options import add_command
from mezeo_fsstore.admin.registration import registration_with, root_of
from mezeo_fsstore.root import read_marker

_MARKER_MODE = 0o444

# Errors of a link that have a cure. Any other means that this filesystem has no links.
CURABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOENT, errno.ESTALE,
           errno.ENOTCONN)

_BY_HAND = "(umask 222; od -An -N16 -tx1 /dev/urandom | tr -d ' ' > '%s')"


def add_commands(commands):
    """Add `init` to the parser of the command line."""
    add_command(
        commands, init,
        'Mark the root with a random id, unless it has one, and print the JSON to register.',
        'Of a file with a registration, all else that is in it is kept.', expects_marker=False)


def init(options):
    """Run `init`: print the registration of the marked root."""
    root = root_of(options, as_owner=True)
    root.check_marker()
    print(registration_with(options, mark(root)))
    return 0


def mark(root):
    """Give `root`, a `Root`, a marker with a random id; return the id once it is on the disk.

    A marker that is there stays and its id is returned, so every node of a shared volume, and
    two administrators at once, get the same answer. Nothing is written then.

    Raises the system's error, and where it refuses a hard link, one that says how to do without.
    """
    marker = root.join(names.MARKER)
    found = read_marker(marker)
    if found is not None:
        return found
    temporary = names.temporary_of(marker)
    _write(temporary, (names.random_hex(16) + '\n').encode('ascii'), _MARKER_MODE)
    try:
        # Unlike a rename, a link never replaces the marker that another has just made.
        disk.link(temporary, marker)
    except EnvironmentError as error:
        if error.errno in CURABLE:
            raise
        if error.errno != errno.EEXIST:
            raise EnvironmentError(
                None, 'no hard link can be made here: %s. Make this file by hand: %s' % (
                    error.strerror, _BY_HAND % marker.replace("'", "'\\''")), marker)
    finally:
        disk.discard(temporary)
    root.sync()
    return read_marker(marker)


def clock(root):
    """Return the time of the root's filesystem, in seconds since 1970.

    That of a server on the network, and its files' times, may differ from this machine's. Nothing
    is made for it, so it can be asked on a full volume. The root gets that time as its own.

    Raises the system's error where this user may not write to the root, or nobody may.
    """
    # The slash at its end: an administrator's root may well be a symbolic link.
    path = root.join('')
    disk.touch(path)
    return disk.status_of_name(path).st_mtime


def _write(path, content, mode):
    """Make the new file `path` and return when its content is on the disk."""
    fd = disk.create(path)
    try:
        disk.set_mode(fd, mode, path)
        disk.write_all(fd, content, path)
        disk.sync(fd, path)
        written, fd = fd, None
        disk.close(written, path)
    except:
        disk.discard(path, fd)
        raise
