"""Contents for the checks, and streams as the platform may pass them to a module."""

import array
import gzip
import io
import os
import random
import sys

# Every byte value, so that a text mode, a newline or a NUL can't hide.
ALL_BYTES = bytes(bytearray(range(256)))

# Block sizes that implementations often use.
BLOCKS = (4096, 65536, 1024 * 1024)

# Larger than each block, and no multiple of any.
ODD_LENGTH = 1024 * 1024 + 70001

# Contents that are changed, cut or lost if a module treats bytes as text, or some as empty.
DELICATE = (
    ALL_BYTES, ALL_BYTES[::-1], b'\n', b'\r\n', b'one\r\ntwo\nthree\rfour\n\r\n', b'\n' * 5000,
    b'before\x1aafter', b'\x1a', b'\0', b'\0' * 70000, b'data' + b'\0' * 70000,
    b'\0' * 70000 + b'data', b'\xff\xfe\x00', b'\xef\xbb\xbfmark', b'\xc3(', b'\x80abc',
    b' surrounded \t\n', b'{"json": true}', b'\x1f\x8b\x08\0not gzip', b'%s %d %%', b'\\x41\\n')

# The longest content of each `first` so far, as it takes long to make megabytes.
_made = {}


def content(size, first=0):
    """Return `size` bytes in which all blocks differ, so that a lost block is noticed.

    Another number `first` gives other content of the same kind.
    """
    data = _made.get(first, b'')
    if size > len(data):
        words = array.array('I', range(first, first + size // 4 + 1))
        if sys.byteorder == 'little':
            words.byteswap()
        # On Python 2 the method is `tostring`.
        data = _made[first] = getattr(words, 'tobytes', getattr(words, 'tostring', None))()
    return data[:size]


def describe(data):
    """Return a short description of `data`: a failure must not print megabytes."""
    if not isinstance(data, bytes):
        return 'a %s' % type(data).__name__
    if len(data) <= 40:
        return repr(data)
    return '%d bytes, %r ... %r' % (len(data), data[:12], data[-12:])


class StreamError(Exception):
    """The default error of a `Stream` that breaks in a check."""


class StreamTimeout(BaseException):
    """A stop from outside, such as event loops throw into a slow read: it is no `Exception`."""


class Stream(object):
    """A stream of `data` with nothing but `read`, which the contract asks for.

    If `most` is given, a read returns at most so many bytes. If `error`, an exception class, is
    given, it is raised instead of the end.
    """

    def __init__(self, data, most=None, error=None):
        self._data, self._position, self._most, self._error = data, 0, most, error

    def read(self, size=-1):
        rest = len(self._data) - self._position
        size = rest if size is None or size < 0 else min(size, rest)
        chunk = self._data[self._position:self._position + min(size, self._most or size)]
        self._position += len(chunk)
        if self._error and not chunk:
            raise self._error('the stream broke')
        return chunk


class DribblingStream(Stream):
    """A stream whose reads return few bytes, as a network does. `seed` sets the random sizes."""

    def __init__(self, data, seed, error=None):
        super(DribblingStream, self).__init__(data, None, error)
        self._random = random.Random(seed)

    def read(self, size=-1):
        self._most = self._random.choice((1, 2, 7, 1000, 4095, 4096, 4097, 65535, 65537))
        return super(DribblingStream, self).read(size)


class FalteringStream(Stream):
    """A stream that once, when half of its bytes are read, returns `odd` instead of bytes."""

    def __init__(self, data, odd):
        super(FalteringStream, self).__init__(data, len(data) // 2)
        self._odd = [odd]

    def read(self, size=-1):
        if self._odd and self._position >= len(self._data) // 2:
            return self._odd.pop()
        return super(FalteringStream, self).read(size)


class WatchedStream(Stream):
    """A stream that calls `watch(position)` before each read."""

    def __init__(self, data, most, watch):
        super(WatchedStream, self).__init__(data, most)
        self._watch = watch

    def read(self, size=-1):
        self._watch(self._position)
        return super(WatchedStream, self).read(size)


class MeasuringStream(Stream):
    """A stream that records the `size` of each read in `sizes`, -1 for all that is left."""

    def __init__(self, data, most=None):
        super(MeasuringStream, self).__init__(data, most)
        self.sizes = []

    def read(self, size=-1):
        self.sizes.append(-1 if size is None else size)
        return super(MeasuringStream, self).read(size)


def _written(data, folder):
    path = os.path.join(folder, 'upload')
    with open(path, 'wb') as target:
        target.write(data)
    return path


class _Decoding(object):
    """A stream as another module may pass it on: `read` decodes, all else is that of the file."""

    def __init__(self, source):
        self._source = source

    def read(self, size=-1):
        return self._source.read(size).translate(ALL_BYTES[::-1])

    def __getattr__(self, name):
        return getattr(self._source, name)


def _encoded(data, folder):
    return _Decoding(io.open(_written(data.translate(ALL_BYTES[::-1]), folder), 'rb'))


def _compressed(data, folder):
    # Its `fileno` gives the compressed bytes, as that of a TLS connection gives encrypted bytes.
    path = os.path.join(folder, 'upload.gz')
    target = gzip.GzipFile(path, 'wb', 1)
    target.write(data)
    target.close()
    return gzip.GzipFile(path, 'rb')


# Pairs of a description and a function that returns a stream of `data`. `folder` is for its file.
FILES = (
    ('bytes in memory', lambda data, folder: io.BytesIO(data)),
    # On Python 2 `open` and `io.open` differ in how far they read ahead.
    ('a buffered file', lambda data, folder: open(_written(data, folder), 'rb')),
    ('a buffered file of io', lambda data, folder: io.open(_written(data, folder), 'rb')),
    ('a file without a buffer', lambda data, folder: io.open(_written(data, folder), 'rb', 0)),
    ('a compressed file', _compressed),
    ('a file that is decoded', _encoded))
