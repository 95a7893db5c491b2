"""What the platform hands over to be stored: anything with a `read(size)` that returns bytes."""

# Larger chunks were slower, smaller ones cost more calls.
CHUNK_SIZE = 1024 * 1024


def chunks(stream):
    """Return an iterator over the bytes of `stream`, read in chunks, until a read returns `b''`.

    A short read is no end. Raises TypeError, at once, for a stream without `read`; later for a
    read that returns anything but bytes: text, or the None of a non-blocking stream.
    """
    read = getattr(stream, 'read', None)
    if not callable(read):
        raise TypeError('stream must have a method read(size) that returns bytes, but got %s'
                        % type(stream).__name__)
    return _read_all(read, type(stream).__name__)


def _read_all(read, name):
    while True:
        chunk = read(CHUNK_SIZE)
        if not isinstance(chunk, (bytes, bytearray)):
            raise TypeError('stream must return bytes, but read() of %s returned %s'
                            % (name, type(chunk).__name__))
        if not chunk:
            return
        yield chunk
