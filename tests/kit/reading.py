"""get_read_stream and get_size: whole objects and ranges of them."""

import os

from tests.kit.contract import BINARY_FILE, DOWNLOAD, NO_OBJECT, SIZE, STORE, STREAM, proves
from tests.kit.streams import ALL_BYTES, ODD_LENGTH as LENGTH, content, describe


class ReadChecks(object):

    @proves(STORE)
    def testWriteThenRead(self):
        self._expectContent(self._store(ALL_BYTES), ALL_BYTES, 'an object of all byte values')

    @proves(STREAM)
    def testReadStreamHasItsMethods(self):
        stream = self._open(self._store(b'content'))
        for name in ('read', 'seek', 'close'):
            self._require(callable(getattr(stream, name, None)),
                          'the stream has no method %s' % name)
        stream.close()

    @proves(BINARY_FILE)
    def testReadInPieces(self):
        data = content(200000)
        for size in (999, 4096, 65536, 65537, 199999, 200000, 200001):
            stream = self._open(self._store(data))
            try:
                pieces = [self._take(stream, size) for _ in range(len(data) // size + 1)]
                self._expectSame(data, b''.join(pieces), 'reads of %d bytes in a row' % size)
            finally:
                stream.close()

    @proves(BINARY_FILE)
    def testReadAllAtOnce(self):
        data = content(200000)
        for start in (0, 1, 65535, 65536, 199999, 200000):
            for arguments in ((), (-1,)):
                stream = self._open(self._store(data))
                try:
                    stream.seek(start)
                    self._expectSame(data[start:], stream.read(*arguments),
                                     'seek(%d), read%r' % (start, arguments))
                finally:
                    stream.close()

    @proves(BINARY_FILE)
    def testReadAfterTheEnd(self):
        for data in (b'', b'content', content(65536)):
            stream = self._open(self._store(data))
            try:
                self._expectSame(data, stream.read(), 'read()')
                for size in (1, 65536, -1):
                    self._expectSame(b'', stream.read(size), 'read(%d) at the end' % size)
            finally:
                stream.close()

    @proves(BINARY_FILE)
    def testReadNothing(self):
        stream = self._open(self._store(b'content'))
        try:
            for rest in (b'content', b'nt', b''):
                stream.seek(7 - len(rest))
                self._expectSame(b'', stream.read(0), 'read(0)')
                self._expectSame(rest, self._take(stream, 7), 'the rest after read(0)')
        finally:
            stream.close()

    @proves(DOWNLOAD)
    def testReadRanges(self):
        data = content(LENGTH)
        stream = self._open(self._store(data))
        try:
            for start in self._edges():
                for size in (0, 1, 2, 65536, 65537, LENGTH):
                    stream.seek(start)
                    self._expectSame(data[start:start + size], self._take(stream, size),
                                     'seek(%d), read(%d)' % (start, size))
        finally:
            stream.close()

    @proves(BINARY_FILE)
    def testSeekFromAnywhere(self):
        data = content(LENGTH)
        stream = self._open(self._store(data))
        try:
            for position in self._edges():
                for start in (0, 65536, LENGTH):
                    stream.seek(start)
                    stream.seek(position - start, os.SEEK_CUR)
                    self._expectSame(data[position:position + 9], self._take(stream, 9),
                                     'seek(%d), seek(%d, 1)' % (start, position - start))
                stream.seek(position, os.SEEK_SET)
                self._expectSame(data[position:position + 9], self._take(stream, 9),
                                 'seek(%d, 0)' % position)
                stream.seek(position - LENGTH, os.SEEK_END)
                self._expectSame(data[position:position + 9], self._take(stream, 9),
                                 'seek(%d, 2)' % (position - LENGTH))
            stream.seek(100)
            self._take(stream, 50)
            stream.seek(-20, os.SEEK_CUR)
            self._expectSame(data[130:140], self._take(stream, 10), 'read(50), seek(-20, 1)')
        finally:
            stream.close()

    @proves(BINARY_FILE)
    def testSeekPastTheEnd(self):
        for data in (b'', b'content', content(65536)):
            stream = self._open(self._store(data))
            try:
                for beyond in (0, 1, 100000, 2 ** 33):
                    for arguments in ((len(data) + beyond,), (beyond, os.SEEK_END)):
                        for size in (10, -1):
                            stream.seek(*arguments)
                            self._expectSame(b'', stream.read(size), 'seek%r in %d bytes, read(%d)'
                                             % (arguments, len(data), size))
                stream.seek(0)
                self._expectSame(data, stream.read(), 'a read from the start after all that')
            finally:
                stream.close()

    @proves(BINARY_FILE)
    def testSeekBeforeTheStart(self):
        data = content(1000)
        stream = self._open(self._store(data))
        try:
            for arguments in ((-1,), (-1001, os.SEEK_END), (-1, os.SEEK_CUR)):
                stream.seek(0)
                try:
                    stream.seek(*arguments)
                except Exception:
                    continue
                # Some of Python's own streams go to the start instead of raising.
                found = stream.read(1000)
                self._require(data.startswith(found) and found, 'seek%r, read(1000) gave %s'
                              % (arguments, describe(found)))
        finally:
            stream.close()

    @proves(STREAM)
    def testReadersAreIndependent(self):
        module_data = self._store(b'0123456789')
        one, two = self._open(module_data), self._open(module_data)
        try:
            one.seek(5)
            found = self._take(two, 5) + self._take(one, 5)
            one.close()
            two.seek(1)
            self._expectSame(b'01234' + b'56789' + b'1234', found + self._take(two, 4),
                             'two streams by turns, one of which is closed')
        finally:
            one.close()
            two.close()

    @proves(NO_OBJECT)
    def testReadMissingRaises(self):
        self._expectFailure(self.connector.get_read_stream, self.connector.new_data(self.context))

    @proves(SIZE)
    def testSize(self):
        for size in (0, 1, 4096, 65535, 65536, 65537, 100000):
            self._expectSize(size, self._store(content(size)), '%d bytes' % size)

    @proves(NO_OBJECT)
    def testSizeOfMissingRaises(self):
        self._expectFailure(self.connector.get_size, self.connector.new_data(self.context))

    def _edges(self):
        return (0, 1, 4095, 4096, 65535, 65536, 65537, 131072, 1048575, 1048576, LENGTH - 70001,
                LENGTH - 1, LENGTH)
