"""The root directory, and the marker file that proves that the right volume is mounted there.

Where a volume is not mounted there is an empty directory. Without a marker it looks like an empty
store: objects would be written to the system disk, or taken for missing.
"""

import errno
import os
import re

from mezeo_fsstore import disk, names
from mezeo_fsstore.errors import MissingRoot, StorageUnavailable

ROOT_ID = re.compile(r'[0-9a-f]{32}\Z')


class Root(object):
    """The directory `path`, with the id that its marker must hold.

    Without a `root_id` the marker is read now, and its id must be there later. Where there is no
    marker either, nothing is checked.

    Raises MissingRoot where `path` is no directory or the system refuses it. A marker that is read
    now and is damaged raises StorageUnavailable; one that can't be read raises the system's error.
    """

    def __init__(self, path, root_id=None):
        self.path = path
        self._below = os.path.join(path, '')
        _require_directory(path)
        self.root_id = root_id or read_marker(self.join(names.MARKER))

    def join(self, relative):
        """Return the path of what is at `relative` below this root."""
        # Each call of the platform needs it, and os.path.join takes as long as a system call.
        return self._below + relative

    def check_marker(self):
        """Raise StorageUnavailable if a marker is required and not there, or is another.

        Raises the system's error for a marker that can't be read.
        """
        if self.root_id is not None:
            disk.release(self.open_marker())

    def open_marker(self):
        """As `check_marker`, but return a descriptor of the marker; None if none is required.

        The volume can not be unmounted until the caller releases it.
        """
        if self.root_id is None:
            return None
        marker = self.join(names.MARKER)
        fd = _open_if_there(marker)
        try:
            self._require_id(None if fd is None else _id_in(fd, marker))
        except:
            if fd is not None:
                disk.release(fd)
            raise
        return fd

    def _require_id(self, found):
        if found != self.root_id:
            # Do not advise `init` here: it would mark the empty folder of an unmounted volume.
            has, more = 'has the marker of %s' % found, ''
            if found is None:
                has, more = 'has no marker', (
                    '; where that is mounted and has lost its file %s, write this id and a newline '
                    'into it' % names.MARKER)
            raise StorageUnavailable(
                errno.ENODEV, 'root %s, but %s is registered: mount the right volume%s'
                % (has, self.root_id, more), self.path)

    def require(self):
        """Raise StorageUnavailable unless the root is there and has the required marker."""
        self.check_marker()
        if not disk.is_directory(self.path):
            raise StorageUnavailable(
                errno.ENODEV, 'root is missing: mount the volume', self.path)

    def sync(self):
        """Return True when the entries of the root are on the disk.

        Returns False where the filesystem has no such call for directories.
        """
        # With the slash at its end a root may be a symbolic link. A shard may not.
        fd = disk.open_directory(self._below)
        try:
            return disk.sync_directory(fd, self.path)
        finally:
            disk.release(fd)


def read_marker(marker):
    """Return the id that the file `marker` holds, None where there is no such file.

    Raises StorageUnavailable for a marker that holds no id, and the system's error.
    """
    fd = _open_if_there(marker)
    if fd is None:
        return None
    try:
        return _id_in(fd, marker)
    finally:
        disk.release(fd)


def _require_directory(path):
    try:
        if disk.is_directory(path):
            return
    except EnvironmentError as error:
        # A loop of links, a name too long, no permission, a dead mount: the system says which.
        raise MissingRoot(error.errno, 'root can not be used: %s' % error.strerror, path)
    raise MissingRoot(
        errno.ENODEV, 'root is no existing directory: mount the volume, '
        'or make the directory; it is never created', path)


def _open_if_there(marker):
    try:
        return disk.open_to_read(marker)
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return None


def _id_in(fd, marker):
    root_id = disk.read(fd, 64, marker).decode('latin-1').rstrip('\n')
    if not ROOT_ID.match(root_id):
        raise StorageUnavailable(
            errno.ENODEV, 'the marker of the root is damaged: write the root_id of the '
            'registration and a newline into it', marker)
    return str(root_id)
