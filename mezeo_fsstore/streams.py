"""What goes into a new file: the bytes of the platform's stream, or of an object, by the kernel.

A *fill* is a function of a descriptor and its path that writes the content of a new file.
"""

from mezeo_fsstore import disk
from mezeo_fsstore.compat import ReadStream

# Larger chunks leave the processor's cache before they are written, smaller ones cost more calls:
# docs/speed.md has the figures.
CHUNK_SIZE = 256 * 1024


def fill_from(stream):
    """Return a fill that writes what is left in `stream`.

    A stream that the store itself has opened is copied by the kernel, from wherever its position
    is; any other is only ever `read`. Raises TypeError, at once, for a stream without `read`.
    """
    if type(stream) is ReadStream:
        return lambda fd, path: _copy(stream, fd, path)
    read = getattr(stream, 'read', None)
    if not callable(read):
        raise TypeError('stream must have a method read(size) that returns bytes, but got %s'
                        % type(stream).__name__)
    return lambda fd, path: _write_all(stream, read, fd, path)


def _write_all(stream, read, fd, path):
    """Write all that `read` returns until it returns `b''`; a short read is no end.

    Raises TypeError for a read that returns anything but bytes: text, or a non-blocking stream's
    None. No iterator here: a StopIteration that leaves `read` by mistake would end it, and a part
    of the stream be taken for the whole.
    """
    while True:
        chunk = read(CHUNK_SIZE)
        if not isinstance(chunk, (bytes, bytearray)):
            raise TypeError('stream must return bytes, but read() of %s returned %s'
                            % (type(stream).__name__, type(chunk).__name__))
        if not chunk:
            return
        disk.write(fd, chunk, path)


def _copy(stream, fd, path):
    """Write the rest of an object's stream, and leave that at its end, as reading would."""
    position = stream.tell()
    if position == 0 and disk.clone(stream.fileno(), fd, path):
        stream.seek(0, 2)
        return
    stream.seek(disk.copy(stream.fileno(), position, fd, path))
    # Where the kernel could not, or not to the end.
    _write_all(stream, stream.read, fd, path)
