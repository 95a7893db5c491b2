"""The quarantine: damaged objects are moved there, so that the platform copies good ones here.

At every moment an object is in its place or in quarantine. A new object that replaces it meanwhile
is not lost: if a move has taken the new one, it is put back by a link, which, unlike a rename,
never replaces a still newer one.
"""

import contextlib
import errno
import os

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.marking import CURABLE

_MODE = 0o700


class Refused(Exception):
    """An object was not moved. The text says why."""


class Quarantine(object):
    """The quarantine of `root`, a `Root`; made when the first object is moved there."""

    def __init__(self, root):
        self._root = root
        self._links = None

    def take(self, path, fd):
        """Move the object at `path`, relative to the root, to quarantine. `fd` is its open file.

        Returns whether it was moved. False: it was replaced or removed meanwhile, and what replaced
        it stays. `fd` must stay open: else a new file may get the same inode number. Raises Refused
        where that name is in quarantine already, or no hard link can be made; StorageUnavailable
        for a wrong root; the system's error.
        """
        self._root.check_marker()
        shard, name = path.split('/')
        source, target = self._root.join(path), self._root.join(names.quarantined(path))
        with self._open(shard) as folder:
            if _is_there(target):
                raise Refused('%s: not moved, as a copy is in quarantine already' % source)
            if not self._has_links():
                raise Refused('%s: not moved, as the filesystem has no hard links' % source)
            with _opened(os.path.dirname(source)) as origin:
                try:
                    disk.rename(source, target)
                except EnvironmentError as error:
                    if error.errno != errno.ENOENT:
                        raise
                    return False
                taken = os.path.samestat(disk.status(fd, source), disk.status_of_name(target))
                if not taken:
                    _put_back(target, source)
                disk.sync_directory(origin, os.path.dirname(source))
                disk.sync_directory(folder, os.path.dirname(target))
        return taken

    def put_back(self, path):
        """Move an object from quarantine back to `path`, relative to the root.

        Returns False where that name is taken: then nothing is moved. Raises StorageUnavailable for
        a wrong root, and the system's error.
        """
        self._root.check_marker()
        source, target = self._root.join(names.quarantined(path)), self._root.join(path)
        with _opened(os.path.dirname(source)) as origin:
            with _opened(os.path.dirname(target)) as folder:
                try:
                    disk.link(source, target)
                except EnvironmentError as error:
                    if error.errno != errno.EEXIST:
                        raise
                    # If both are one file, a run was killed before it removed the other name.
                    if not os.path.samestat(disk.status_of_name(source),
                                            disk.status_of_name(target)):
                        return False
                disk.sync_directory(folder, os.path.dirname(target))
                disk.remove(source)
                disk.sync_directory(origin, os.path.dirname(source))
        return True

    @contextlib.contextmanager
    def _open(self, shard):
        """For a `with`: open the directory of a shard in quarantine, making it if needed.

        A new directory is on the disk when this returns, and so is the quarantine.
        """
        top = self._root.join(names.QUARANTINE)
        if _make(top):
            self._root.sync()
        with _opened(top) as above:
            folder = '%s/%s' % (top, shard)
            if _make(folder):
                disk.sync_directory(above, top)
            with _opened(folder) as fd:
                yield fd

    def _has_links(self):
        """Return whether a hard link can be made here: without links nothing can be put back."""
        if self._links is None:
            first = names.temporary_of(self._root.join(names.MARKER))
            second = names.temporary_of(self._root.join(names.MARKER))
            disk.release(disk.create(first))
            try:
                disk.link(first, second)
                self._links = True
                disk.remove(second)
            except EnvironmentError as error:
                if self._links or error.errno in CURABLE:
                    raise
                self._links = False
            finally:
                disk.remove(first)
        return self._links


def _put_back(target, source):
    try:
        disk.link(target, source)
    except EnvironmentError as error:
        # A still newer one is there: it has replaced the one that was taken.
        if error.errno != errno.EEXIST:
            raise
    disk.remove(target)


def _make(path):
    """Make a directory of the quarantine; return whether it was not there."""
    try:
        disk.make_directory(path, _MODE)
    except EnvironmentError as error:
        if error.errno != errno.EEXIST:
            raise
        return False
    return True


@contextlib.contextmanager
def _opened(path):
    fd = disk.open_directory(path)
    try:
        yield fd
    finally:
        disk.release(fd)


def _is_there(path):
    try:
        disk.status_of_name(path)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True
