"""What is stored, and the proof that it comes back."""

import io
import random

_BLOCK = 1024 * 1024
_CACHE = {}


class WrongBytes(Exception):
    """A contender gave back other bytes than it was given."""


def data(size):
    """Return `size` random bytes, the same at each call."""
    if size not in _CACHE:
        block = random.Random(size).getrandbits(8 * min(size, _BLOCK)).to_bytes(
            min(size, _BLOCK), 'little')
        # A number in each block, so that none can stand in for another.
        blocks = (b'%016x' % number + block[16:] for number in range(-(-size // _BLOCK)))
        _CACHE[size] = b''.join(blocks)[:size]
    return _CACHE[size]


def stream(size):
    """Return a binary file in memory that holds `data(size)`."""
    return io.BytesIO(data(size))


def verify(chunks, size):
    """Raise WrongBytes unless `chunks` make up `data(size)`."""
    expected, position = memoryview(data(size)), 0
    for chunk in chunks:
        require(chunk, expected[position:position + len(chunk)])
        position += len(chunk)
    require(position, size)


def require(got, expected):
    """Raise WrongBytes unless both are equal."""
    if got != expected:
        raise WrongBytes('not the same: %.40r, %.40r' % (got, expected))


class Endless(io.RawIOBase):
    """A binary file of `size` bytes that takes no memory: one block, again and again."""

    def __init__(self, size):
        super().__init__()
        self._size = size
        self._position = 0
        self._block = memoryview(data(_BLOCK))

    def read(self, size=-1):
        """Return at most `size` new bytes, a block of them at most; b'' at the end."""
        start = self._position % _BLOCK
        size = min(self._size - self._position, size if size >= 0 else _BLOCK, _BLOCK - start)
        self._position += size
        # A copy, as what a network yields.
        return bytes(self._block[start:start + size])

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position
