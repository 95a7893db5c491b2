"""How objects are written, read and deleted: the order of steps that keeps each whole, or absent.

A temporary lies next to its object because a rename is atomic only within a filesystem, and
because XFS would put the inodes of one directory of temporaries into one allocation group.
"""

import errno
import stat

from mezeo_fsstore import disk, names, streams

# Set on a shard whose own entry in the root may not be on the disk yet: an object in it, however
# well synced, could be lost with the whole shard. Every writer that sees the bit syncs the root.
_UNSETTLED = stat.S_ISVTX


class Store(object):
    """The objects below `root`, a `Root`. A path is relative to it: `<shard>/<name>`.

    `file_mode` and `dir_mode` are the exact permissions of objects and shards. Without `durable`
    nothing is ever synced: objects are whole or absent while the machine runs, but a power cut may
    lose, empty or damage recent ones. With `digest` each carries the SHA-256 of its content. With
    `verify_reads` the streams of `open` compare the content with it.

    It keeps nothing between calls, so threads and processes share a root without locks.
    """

    def __init__(self, root, durable, file_mode, dir_mode, digest, verify_reads):
        self._root = root
        self._durable = durable
        self._file_mode = file_mode
        self._dir_mode = dir_mode
        self._digest = digest
        self._verify_reads = verify_reads

    def write(self, path, stream):
        """Make the object at `path` hold what is left in `stream`.

        Until the rename nobody sees any of it, and any error, also of `stream`, leaves what was
        there. After it the new content stays, whole, whatever happens: others may have seen it.
        With `durable` it survives a power cut once this returns. Raises StorageUnavailable for a
        wrong root, TypeError for a bad `stream`, the errors of `stream` and the system's.
        """
        streams.require_read(stream)
        full = self._root.join(path)
        directory = _shard_of(full)
        temporary = names.temporary_of(full)
        try:
            shard = self._open_shard(directory)
            try:
                fd = disk.create(temporary)
                try:
                    # A digest can be set only while the owner may write the file.
                    disk.set_mode(fd, self._file_mode | stat.S_IWUSR, temporary)
                    digest = streams.write_into(
                        fd, stream, temporary, self._digest, early=self._durable)
                    if digest:
                        disk.set_digest(fd, digest, temporary)
                    if not self._file_mode & stat.S_IWUSR:
                        disk.set_mode(fd, self._file_mode, temporary)
                    if self._durable:
                        disk.sync(fd, temporary)
                    # A close that fails has closed. Another thread may own that number by then.
                    written, fd = fd, None
                    disk.close(written, temporary)
                    disk.rename(temporary, full)
                except:
                    disk.discard(temporary, fd)
                    raise
                if self._durable:
                    disk.sync_directory(shard, directory)
            finally:
                disk.release(shard)
        except EnvironmentError as error:
            self._require_root_for(error)
            raise

    def open(self, path):
        """Return a binary file of the object at `path`. It keeps its content, whatever comes later.

        Raises the system's error, ENOENT where there is none; then StorageUnavailable instead for a
        wrong root.
        """
        stream = self._look_up(path, disk.open_object)
        return streams.verified(stream, self._root.join(path)) if self._verify_reads else stream

    def exists(self, path):
        """Return whether the object at `path` is there.

        Raises StorageUnavailable for a wrong root, and any error that leaves the answer open.
        """
        full = self._root.join(path)
        # While the marker is open the volume cannot be unmounted, so the answer is about this one.
        marker = self._root.open_marker()
        try:
            disk.refuse_link(_shard_of(full))
            return stat.S_ISREG(_latest(disk.status_of_name, full).st_mode)
        except EnvironmentError as error:
            if marker is None:
                self._require_root_for(error)
            if error.errno != errno.ENOENT:
                raise
            return False
        finally:
            if marker is not None:
                disk.release(marker)

    def size(self, path):
        """Return the number of bytes of the object at `path`. Raises as `open` does."""
        return self._look_up(path, _size_of)

    def delete(self, path):
        """Remove the object at `path`, if there is one; its shard stays.

        Raises StorageUnavailable for a wrong root, and the system's error but ENOENT.
        """
        full = self._root.join(path)
        try:
            if self._durable:
                self._remove_durably(full)
            else:
                disk.refuse_link(_shard_of(full))
                self._root.check_marker()
                disk.remove(full)
        except EnvironmentError as error:
            self._require_root_for(error)
            if error.errno != errno.ENOENT:
                raise

    def capacity(self):
        """Return the `os.statvfs` of the root's filesystem. Raises as `delete` does."""
        self._root.check_marker()
        return disk.capacity(self._root.path)

    def _look_up(self, path, look):
        """Return what `look` finds at the object's full path.

        If this raises ENOENT the object is missing: the root was checked after it.
        """
        full = self._root.join(path)
        try:
            disk.refuse_link(_shard_of(full))
            return _latest(look, full)
        except EnvironmentError as error:
            self._require_root_for(error)
            raise

    def _require_root_for(self, error):
        # ENOTDIR: a file is in the place of the root or of the shard.
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            self._root.require()

    def _open_shard(self, shard):
        """Open the shard, making it if needed; return a descriptor.

        With `durable` its entry in the root is on the disk when this returns. While it is open the
        volume cannot be unmounted, so the marker is checked then. Raises StorageUnavailable.
        """
        try:
            fd, new = disk.open_directory(shard), False
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
            self._root.check_marker()
            fd, new = self._make_shard(shard), True
        try:
            self._root.check_marker()
            # The bit: another writer has just made it, or has died before the root was synced.
            if self._durable and (new or disk.status(fd, shard).st_mode & _UNSETTLED):
                self._root.sync()
                _set_mode_if_owner(fd, self._dir_mode, shard)
        except:
            disk.release(fd)
            raise
        return fd

    def _make_shard(self, shard):
        mode = self._dir_mode | _UNSETTLED if self._durable else self._dir_mode
        try:
            disk.make_directory(shard, mode)
        except EnvironmentError as error:
            # Another writer was faster. Its shard will do.
            if error.errno != errno.EEXIST:
                raise
        fd = disk.open_directory(shard)
        try:
            _set_mode_if_owner(fd, mode, shard)
        except:
            disk.release(fd)
            raise
        return fd

    def _remove_durably(self, full):
        directory = _shard_of(full)
        shard = disk.open_directory(directory)
        try:
            self._root.check_marker()
            try:
                disk.remove(full)
            finally:
                # Also where it is gone already: who removed it may have died before the sync.
                disk.sync_directory(shard, directory)
        finally:
            disk.release(shard)


def _shard_of(full):
    return full[:full.rindex('/')]


def _latest(look, full):
    try:
        return look(full)
    except EnvironmentError as error:
        if error.errno != errno.ESTALE:
            raise
    # Another node has replaced it since the name was looked up. A second look finds the new one.
    return look(full)


def _size_of(full):
    found = disk.status_of_name(full)
    disk.require_regular(found, full)
    return found.st_size


def _set_mode_if_owner(fd, mode, shard):
    try:
        disk.set_mode(fd, mode, shard)
    except EnvironmentError as error:
        # Another user made the shard and sets its mode. Until then durable writes sync the root.
        if error.errno != errno.EPERM:
            raise
