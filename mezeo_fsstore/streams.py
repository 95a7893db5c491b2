"""What goes into a new file: the bytes of the platform's stream, or of an object, by the kernel."""

from mezeo_fsstore import disk
from mezeo_fsstore.compat import ReadStream

# Larger chunks leave the processor's cache before they are written, smaller ones cost more calls:
# docs/speed.md has the figures.
CHUNK_SIZE = 256 * 1024


def require_read(stream):
    """Raise TypeError unless `stream` has a method `read`."""
    if not callable(getattr(stream, 'read', None)):
        raise TypeError('stream must have a method read(size) that returns bytes, but got %s'
                        % type(stream).__name__)


def write_into(fd, stream, path):
    """Write what is left in `stream` into the empty file behind `fd`, which is at `path`.

    A stream that the store itself has opened is copied by the kernel, from wherever its position
    is; any other is only ever `read`. Raises TypeError for a `read` that returns anything but
    bytes, and the disk's own errors.
    """
    if type(stream) is ReadStream and disk.copy(stream.fileno(), stream.tell(), fd, path):
        # The position is where reading would have left it.
        stream.seek(0, 2)
    else:
        _read_and_write(fd, stream, path)


def _read_and_write(fd, stream, path):
    """Write all that `read` returns until it returns `b''`; a short read is no end."""
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
        disk.write_all(fd, chunk, path)
