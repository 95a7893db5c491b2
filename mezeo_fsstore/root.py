"""The root directory, and the marker file that proves that the right volume is mounted there.

An unmounted volume leaves an empty directory. Without a marker nothing tells it from an empty
store, and objects would be written to the system disk, or taken for missing.
"""

import contextlib
import errno
import os
import re

from mezeo_fsstore import disk, files, names
from mezeo_fsstore.errors import MissingRoot, StorageUnavailable

# No secret, and the server that must read it is seldom the administrator who makes it.
_MARKER_MODE = 0o444

ROOT_ID = re.compile(r'[0-9a-f]{32}\Z')


class Root(object):
    """The directory `path`, with the id that its marker must hold.

    Without a `root_id` a marker that is there now is the one that must be there later. Without
    either there is no guard.

    Raises MissingRoot where `path` is no directory, StorageUnavailable for a damaged marker.
    """

    def __init__(self, path, root_id=None):
        self.path = path
        self._below = os.path.join(path, '')
        if not disk.is_directory(path):
            raise MissingRoot(
                errno.ENODEV, 'root is no existing directory: mount the volume, '
                'or make the directory; it is never created', path)
        self.root_id = root_id or _read_marker(self.join(names.MARKER))

    def join(self, relative):
        """Return the path of what is at `relative` below this root."""
        # Each call of the platform comes here, and os.path.join takes as long as one of the kernel.
        return self._below + relative

    def guard(self):
        """Raise StorageUnavailable unless the marker that must be there is."""
        if self.root_id is not None:
            disk.release(self.hold())

    def hold(self):
        """As `guard`, but return a descriptor of the marker, or None where there is no guard.

        The volume can't be unmounted until the caller releases it.
        """
        if self.root_id is None:
            return None
        marker = self.join(names.MARKER)
        fd = _open_marker(marker)
        try:
            self._require_id(None if fd is None else _id_in(fd, marker))
        except:
            if fd is not None:
                disk.release(fd)
            raise
        return fd

    def _require_id(self, found):
        if found != self.root_id:
            raise StorageUnavailable(
                errno.ENODEV, 'root %s, but %s is registered: mount the right volume, or register '
                'the root_id that `python -m mezeo_fsstore init` prints'
                % ('has the marker of ' + found if found else 'has no marker', self.root_id),
                self.path)

    def require(self):
        """Raise StorageUnavailable unless the root is there, and the right one."""
        self.guard()
        if not disk.is_directory(self.path):
            raise StorageUnavailable(
                errno.ENODEV, 'root is missing: mount the volume', self.path)

    def sync(self):
        """Return when the entries of the root are on the disk."""
        # The slash: an administrator's root may well be a symbolic link, unlike what lies in it.
        fd = disk.open_directory(self._below)
        try:
            disk.sync_directory(fd, self.path)
        finally:
            disk.release(fd)

    @contextlib.contextmanager
    def probe(self):
        """Make an empty file in the root for a `with`, which gets its path, and remove it after."""
        path = names.temporary_of(self.join(names.MARKER))
        files.write(path, lambda fd, path: None, 0o600, durable=False)
        try:
            yield path
        finally:
            disk.discard(path)

    def time(self):
        """Return the time of the root's filesystem, in seconds since 1970.

        That of a server on the network, and its files' times, may differ from this machine's.
        """
        with self.probe() as path:
            return disk.status_of_name(path).st_mtime

    def mark(self):
        """Give the root a marker with a random id, and return the id once it is on the disk.

        A marker that is there stays and its id is returned, so every node of a shared volume, and
        two administrators at once, get the same answer.
        """
        marker = self.join(names.MARKER)
        temporary = names.temporary_of(marker)
        content = (names.random_hex(16) + '\n').encode('ascii')
        files.write(temporary, lambda fd, path: disk.write(fd, content, path), _MARKER_MODE,
                    durable=True)
        try:
            # Unlike a rename, a link never replaces the marker that another has just made.
            disk.link(temporary, marker)
        except EnvironmentError as error:
            if error.errno in (errno.EPERM, errno.EOPNOTSUPP):
                raise OSError(error.errno, 'there are no hard links here: make this file by hand, '
                              'of 32 random hexadecimal digits and a newline', marker)
            if error.errno != errno.EEXIST:
                raise
        finally:
            disk.discard(temporary)
        self.sync()
        return _read_marker(marker)


def _read_marker(marker):
    """Return the id that the file `marker` holds, None where there is no such file.

    Raises StorageUnavailable for a marker that holds no id.
    """
    fd = _open_marker(marker)
    if fd is None:
        return None
    try:
        return _id_in(fd, marker)
    finally:
        disk.release(fd)


def _open_marker(marker):
    try:
        return disk.open_file(marker)
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return None


def _id_in(fd, marker):
    root_id = disk.read(fd, 64, marker).decode('latin-1').rstrip('\n')
    if not ROOT_ID.match(root_id):
        raise StorageUnavailable(
            errno.ENODEV, 'the marker of the root is damaged: restore it from the registration '
            '(root_id and a newline), or remove it and run `python -m mezeo_fsstore init`', marker)
    return str(root_id)
