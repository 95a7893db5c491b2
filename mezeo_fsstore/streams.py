"""What the platform hands over to be stored: anything with a `read(size)` that returns bytes."""

# Larger chunks were slower, smaller ones cost more calls.
CHUNK_SIZE = 1024 * 1024


def reader(stream):
    """Return a function that returns the next bytes of `stream`, `b''` at its end and only there.

    A short read is no end. Raises TypeError, at once, for a stream without `read`; the function
    raises it for a read that returns anything but bytes: text, or a non-blocking stream's None.
    """
    # No iterator over the chunks: a StopIteration that leaves `read` by mistake would end it, and
    # a part of the stream be taken for the whole.
    read = getattr(stream, 'read', None)
    if not callable(read):
        raise TypeError('stream must have a method read(size) that returns bytes, but got %s'
                        % type(stream).__name__)

    def read_chunk():
        chunk = read(CHUNK_SIZE)
        if not isinstance(chunk, (bytes, bytearray)):
            raise TypeError('stream must return bytes, but read() of %s returned %s'
                            % (type(stream).__name__, type(chunk).__name__))
        return chunk
    return read_chunk
