"""The floor: the system calls themselves, with the guarantees of mezeo_fsstore.

What is counted: all calls to the kernel that the guarantees need, the look whether somebody has
planted a symbolic link for the shard among them, the reading of the stream, the loops for short
reads and writes, and the removal of the temporary on an error. What is not: paths and names are
made beforehand, the shards are there, nothing is parsed or checked for validity; nor the look of a
durable put whether the shard itself is on the disk. A floor with a digest hashes what it writes and
keeps that with the file, as the module does by default where it syncs.
"""

import errno
import fcntl
import hashlib
import os
import stat

from bench.contender import CHUNK_SIZE, Named

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# The quickest of the row `chunks`.
_CHUNK_SIZE = 256 * 1024

# <linux/fs.h>; Python names it from 3.12 on.
_FICLONE = 0x40049409


class Floor(Named):
    """Each step as one call, in the layout of the module: 4,096 shards."""

    digest = False

    def __init__(self, root):
        super().__init__(root)
        for shard in self.shards():
            os.makedirs(os.path.join(root, shard), exist_ok=True)

    def shards(self):
        """Return the directories of the layout, relative to the root."""
        return ['%03x' % number for number in range(4096)]

    def shard_of(self, name):
        """Return that of the object `name`."""
        return name[:3]

    def missing(self):
        """Return the paths of an object, its temporary and its shard."""
        name = super().missing()
        shard = os.path.join(self.root, self.shard_of(name))
        return os.path.join(shard, name), os.path.join(shard, '.%s.%s' % (name, name[16:])), shard

    def paths(self, count):
        return (self.missing()[0] for _ in range(count))

    def put(self, stream):
        return self._publish(self._next(), _write_stream, stream)

    def copy(self, key):
        _refuse_link(key[2])
        source = os.open(key[0], _READ)
        try:
            _require_regular(os.fstat(source))
            return self._publish(self._next(), self._transfer, source)
        finally:
            os.close(source)

    @staticmethod
    def _transfer(target, source):
        for chunk in _read_all(source):
            _write(target, chunk)

    def _next(self):
        key = self.next_name()
        _refuse_link(key[2])
        return key

    def _publish(self, key, fill, source):
        _write_and_rename(key, fill, source, False, self.digest)
        return key

    def get(self, key):
        _refuse_link(key[2])
        return _whole(key[0])

    def open(self, key):
        """Return a descriptor of the object, for whoever reads it himself."""
        _refuse_link(key[2])
        fd = os.open(key[0], _READ)
        _require_regular(os.fstat(fd))
        return fd

    def chunks(self, key):
        fd = os.open(key[0], _READ)
        try:
            _require_regular(os.fstat(fd))
            yield from _read_all(fd)
        finally:
            os.close(fd)

    def get_range(self, key, offset, length):
        _refuse_link(key[2])
        return _range(key[0], offset, length)

    def exists(self, key):
        _refuse_link(key[2])
        try:
            return stat.S_ISREG(os.lstat(key[0]).st_mode)
        except FileNotFoundError:
            # No False for a root that is not there: the guarantee costs this look.
            os.stat(self.root)
            return False

    def size(self, key):
        _refuse_link(key[2])
        return _require_regular(os.lstat(key[0])).st_size

    def delete(self, key):
        _refuse_link(key[2])
        os.unlink(key[0])

    def statistics(self):
        return os.statvfs(self.root)


class DurableFloor(Floor):
    """The same, and on the disk when it returns."""

    durable = True

    # The directory's own opening refuses a link.
    _next = Named.next_name

    def _publish(self, key, fill, source):
        directory = os.open(key[2], _DIRECTORY)
        try:
            _write_and_rename(key, fill, source, True, self.digest)
            os.fsync(directory)
        finally:
            os.close(directory)
        return key

    def delete(self, key):
        directory = os.open(key[2], _DIRECTORY)
        try:
            os.unlink(key[0])
            os.fsync(directory)
        finally:
            os.close(directory)


class _Hashing:
    """A floor that keeps a digest."""

    digest = True

    def put(self, stream):
        return self.put_as(self._next(), stream)

    def put_as(self, key, stream):
        """Store the stream as `key`, one of those that `missing` returns."""
        return self._publish(key, _write_and_hash, stream)


class HashingFloor(_Hashing, Floor):
    """With a digest."""


class DurableHashingFloor(_Hashing, DurableFloor):
    """With a digest, and on the disk when it returns."""


class OneFolder(Floor):
    """All objects in the root itself: what the layout costs is the difference."""

    def shards(self):
        return []

    def shard_of(self, name):
        return ''


class DurableOneFolder(OneFolder, DurableFloor):
    """The same, and on the disk when it returns."""


class Shards256(Floor):
    """A layout that was not chosen: see docs/speed/growth.md."""

    def shards(self):
        return ['%02x' % number for number in range(256)]

    def shard_of(self, name):
        return name[:2]


class Shards256Of256(Floor):
    """Another."""

    def shards(self):
        return ['%02x/%02x' % (number // 256, number % 256) for number in range(65536)]

    def shard_of(self, name):
        return '%s/%s' % (name[:2], name[2:4])


class Bare(Floor):
    """Follows a symbolic link in the place of a shard; takes a missing root for an empty one."""

    _next = Named.next_name

    def get(self, key):
        return _whole(key[0])

    def get_range(self, key, offset, length):
        return _range(key[0], offset, length)

    def exists(self, key):
        try:
            return stat.S_ISREG(os.lstat(key[0]).st_mode)
        except FileNotFoundError:
            return False

    def size(self, key):
        return _require_regular(os.lstat(key[0])).st_size

    def delete(self, key):
        os.unlink(key[0])


class Sendfile(Floor):
    """Copies inside the kernel."""

    @staticmethod
    def _transfer(target, source):
        left = os.fstat(source).st_size
        while left:
            left -= os.sendfile(target, source, None, left)


class DurableSendfile(Sendfile, DurableFloor):
    """Copies inside the kernel, and on the disk when it returns."""


class Reflink(Floor):
    """Copies nothing: both objects share their blocks, where the filesystem can."""

    def __init__(self, root):
        super().__init__(root)
        _require_reflink(root)

    @staticmethod
    def _transfer(target, source):
        fcntl.ioctl(target, _FICLONE, source)


class DurableReflink(Reflink, DurableFloor):
    """Copies nothing, and on the disk when it returns."""


def _require_reflink(root):
    source, target = os.path.join(root, 'reflink.1'), os.path.join(root, 'reflink.2')
    with open(source, 'w+b') as reader, open(target, 'w+b') as writer:
        try:
            fcntl.ioctl(writer, _FICLONE, reader.fileno())
        except OSError as error:
            raise NotImplementedError('no reflink here: %s' % error.strerror)
        finally:
            os.unlink(source)
            os.unlink(target)


def _write_and_rename(key, fill, source, durable, digest):
    path, temporary, _ = key
    fd = os.open(temporary, _CREATE, 0o600)
    try:
        try:
            os.fchmod(fd, 0o600)
            found = fill(fd, source)
            if digest and found:
                os.setxattr(fd, 'user.sha256', found)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _whole(path):
    fd = os.open(path, _READ)
    try:
        size = _require_regular(os.fstat(fd)).st_size
        data = os.read(fd, size)
        while len(data) < size:
            data += os.read(fd, size - len(data))
        return data
    finally:
        os.close(fd)


def _range(path, offset, length):
    fd = os.open(path, _READ)
    try:
        _require_regular(os.fstat(fd))
        data = os.pread(fd, length, offset)
        while len(data) < length:
            data += os.pread(fd, length - len(data), offset + len(data))
        return data
    finally:
        os.close(fd)


def _refuse_link(path):
    if stat.S_ISLNK(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, 'a symbolic link', path)


def _require_regular(status):
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, 'not a regular file')
    return status


def _write_stream(fd, stream):
    read = stream.read
    while True:
        chunk = read(_CHUNK_SIZE)
        if not chunk:
            return
        _write(fd, chunk)


def _write_and_hash(fd, stream):
    read, digest = stream.read, hashlib.sha256()
    while True:
        chunk = read(_CHUNK_SIZE)
        if not chunk:
            return digest.hexdigest().encode('ascii')
        digest.update(chunk)
        _write(fd, chunk)


def _write(fd, chunk):
    written = os.write(fd, chunk)
    while written < len(chunk):
        written += os.write(fd, chunk[written:])


def _read_all(fd):
    while True:
        chunk = os.read(fd, CHUNK_SIZE)
        if not chunk:
            return
        yield chunk
