"""Streams: how the bytes of one get into a new file, and the stream that verifies an object.
"""

import errno
import hashlib
import io
import os

from mezeo_fsstore import disk
from mezeo_fsstore.compat import ReadStream
from mezeo_fsstore.errors import DamagedObject

# Bytes. Larger chunks fall out of the processor's cache before they are written, smaller ones need
# more calls: docs/speed/growth.md has the figures.
CHUNK_SIZE = 256 * 1024

# Bytes. The disk begins to write in pieces of this size while the stream still comes. From larger
# pieces a busy kernel drops a part from its cache, and the next download has to read it again.
EARLY_SIZE = 2 * 1024 * 1024


def require_read(stream):
    """Raise TypeError unless `stream` has a method `read`."""
    if not callable(getattr(stream, 'read', None)):
        raise TypeError('stream must have a method read(size) that returns bytes, but got %s'
                        % type(stream).__name__)


def write_into(fd, stream, path, hashing, early):
    """Write what is left in `stream` into the empty file behind `fd`, which is at `path`.

    With `early` the disk begins to write a large file while its stream still comes.

    Returns the digest that the file must carry. That is None without `hashing`, and for the copy of
    an object without a digest. If the store itself has opened the stream, the kernel copies. Of any
    other stream only `read` is used. Raises TypeError for a `read` that returns anything but bytes
    or a bytearray, the stream's errors and the disk's.
    """
    if type(stream) is ReadStream:
        position = stream.tell()
        if position == 0 or not hashing:
            # The stored digest, not one of the bytes as they are now: damage of the source must
            # show in the copy.
            digest = disk.get_digest(stream.fileno(), None) if hashing else None
            if disk.copy(stream.fileno(), position, fd, path):
                # Leave the stream at its end, as reading would.
                stream.seek(0, os.SEEK_END)
            else:
                _read_and_write(fd, stream, path, early)
            return digest
    digest = hashlib.sha256() if hashing else None
    _read_and_write(fd, stream, path, early, digest)
    return digest.hexdigest() if digest else None


def _read_and_write(fd, stream, path, early, digest=None):
    """Write all that `read` returns until it returns `b''`; a short read is no end."""
    written = begun = 0
    # Not `iter(read, b'')`: a StopIteration from a faulty `read` would end the loop quietly and
    # publish a part.
    while True:
        chunk = stream.read(CHUNK_SIZE)
        if not isinstance(chunk, (bytes, bytearray)):
            # Text, or the None of a non-blocking stream.
            raise TypeError('stream must return bytes, but read() of %s returned %s'
                            % (type(stream).__name__, type(chunk).__name__))
        if not chunk:
            return
        if digest:
            digest.update(chunk)
        disk.write_all(fd, chunk, path)
        written += len(chunk)
        if early and written - begun >= EARLY_SIZE:
            disk.write_early(fd, begun, written - begun)
            begun = written


def verified(stream, path):
    """Return a VerifiedStream over `stream`, which is that of the object at `path`.

    Returns `stream` itself for an object without a digest. On the system's error it is closed.
    """
    try:
        expected = disk.get_digest(stream.fileno(), path)
        if expected is None:
            return stream
        return VerifiedStream(stream, disk.status(stream.fileno(), path).st_size, expected, path)
    except:
        stream.close()
        raise


class VerifiedStream(io.RawIOBase):
    """Reads `stream`, an object of `size` bytes, and compares it with its digest `expected`.

    What is read in order from the start is hashed. If the object does not match, the read that
    reaches the end raises DamagedObject and returns nothing. It has no `fileno`, as what the kernel
    reads is not hashed.
    """

    def __init__(self, stream, size, expected, path):
        self._stream, self._size, self._expected, self._path = stream, size, expected, path
        self._digest, self._hashed = hashlib.sha256(), 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._stream.tell()

    def seek(self, offset, whence=os.SEEK_SET):
        self._stream.seek(offset, whence)
        return self._stream.tell()

    def close(self):
        self._stream.close()
        super(VerifiedStream, self).close()

    def read(self, size=-1):
        """Return at most `size` bytes, or all that is left if it is negative or None.

        Raises DamagedObject at the end of an object that was hashed whole and does not match.
        """
        start = self._stream.tell()
        data = self._stream.read(-1 if size is None else size)
        end = start + len(data)
        if start <= self._hashed < end:
            self._digest.update(data[self._hashed - start:])
            self._hashed = end
        if size != 0 and end >= self._size <= self._hashed:
            self._prove()
        return data

    def _prove(self):
        found = self._digest.hexdigest()
        if found != self._expected:
            raise DamagedObject(
                errno.EIO, 'the object is damaged: its SHA-256 is %s, but %s was stored. Fetch it '
                'from another location; scrub shows what else is damaged' % (found, self._expected),
                self._path)

    def readall(self):
        return self.read()

    def readinto(self, room):
        data = self.read(len(room))
        room[:len(data)] = data
        return len(data)

    def peek(self, size=0):
        """Return the next bytes and keep the position. The base class needs it for lines."""
        start = self._stream.tell()
        data = self._stream.read(8192)
        self._stream.seek(start)
        return data
