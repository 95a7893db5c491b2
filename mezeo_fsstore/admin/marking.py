"""`init`: the marker of a root. And the clock of its filesystem.

All users may read a marker: it is no secret, and the server that must read it seldom runs as the
administrator who makes it.
"""

import errno

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.options import add_command
from mezeo_fsstore.admin.registration import registration_with, root_of
from mezeo_fsstore.root import read_marker

_MARKER_MODE = 0o444

# Errors of a link that are raised as they are. Any other is taken for: no hard links here.
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

    If there is a marker, it stays, nothing is written, and its id is returned. So all nodes of a
    shared volume, and two administrators at once, get the same id.

    Raises the system's error. Where hard links are refused, the error says how to make the marker
    by hand. Raises StorageUnavailable for a damaged marker.
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

    The clock of a file server, and so the times of its files, may differ from this machine's. The
    root gets that time as its own mtime. No file is made, so it works on a full volume.

    Raises the system's error where this user may not write to the root, or the volume is read-only.
    """
    # With the slash at its end a root may be a symbolic link.
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
