"""assign: all bytes, exactly, from whatever stream, or nothing."""

from tests.kit.contract import BREAKS, KEPT, REPEATED, SHORT_READS, STORE, proves
from tests.kit.streams import (
    BLOCKS, DELICATE, DribblingStream, MeasuringStream, Stream, StreamError, content)

SEED = 20120601

MEBIBYTE = 1024 * 1024


class AssignChecks(object):

    @proves(STORE)
    def testWrite(self):
        module_data = self._store(b'some content')
        self.compareWrittenData(module_data, b'some content')

    @proves(STORE)
    def testWriteEverySizeThenRead(self):
        sizes = [0, 1, 2, 255, 256, 257, 3 * MEBIBYTE]
        for block in BLOCKS:
            sizes.extend([block - 1, block, block + 1])
        for size in sizes:
            self._expectWritten(content(size))

    @proves(STORE)
    def testWriteManyMebibytesThenRead(self):
        self._expectWritten(content(9 * MEBIBYTE + 1))

    @proves(STORE)
    def testWriteDelicateContentThenRead(self):
        for data in DELICATE:
            self._expectWritten(data)

    @proves(SHORT_READS)
    def testWriteFromStreamOfShortReads(self):
        for size, most in ((3000, 1), (5000, 7), (200000, 4095), (200000, 65535)):
            data = content(size)
            self._expectContent(self._store(data, most), data,
                                'a stream that returns %d bytes at most a read' % most)

    @proves(SHORT_READS)
    def testWriteFromStreamThatDribbles(self):
        for seed in range(SEED, SEED + 5):
            module_data, data = self.connector.new_data(self.context), content(300000)
            self.connector.assign(self.context, module_data, DribblingStream(data, seed))
            self._expectContent(module_data, data, 'a stream that dribbles (seed %d)' % seed)

    @proves(KEPT)
    def testWriteTakesOnePieceAtATime(self):
        stream = MeasuringStream(content(2 * MEBIBYTE), 65536)
        self.connector.assign(self.context, self.connector.new_data(self.context), stream)
        for size in stream.sizes:
            self._require(size is not None and size > 0,
                          'read(%r) takes the whole object into memory' % (size,))

    @proves(REPEATED)
    def testWriteAgainReplaces(self):
        contents = [b'a first and longer content', b'the second', b'', content(200000),
                    content(70000), b'x']
        module_data = self.connector.new_data(self.context)
        for data in contents + contents[::-1]:
            self._assign(module_data, data)
            self._expectContent(module_data, data, 'an object assigned again')
            self.assertEqual(len(data), self.connector.get_size(self.context, module_data),
                             'get_size of an object assigned again')
            self.compareWrittenData(module_data, data)

    @proves(BREAKS)
    def testBrokenStreamRaises(self):
        for error in (StreamError, IOError, ValueError, KeyError, EOFError):
            self._expectStreamError(self.connector.new_data(self.context), b'a part', error)

    @proves(BREAKS)
    def testStreamThatRaisesStopIterationIsNoWhole(self):
        # A generator in the module would take it for its own end, and the part for the whole.
        module_data = self.connector.new_data(self.context)
        try:
            self.connector.assign(self.context, module_data, Stream(b'a part', 3, StopIteration))
        except Exception:
            self._expectMissing(module_data, 'after an assign whose stream broke')
        else:
            self.fail('assign returned, though its stream broke')

    @proves(BREAKS)
    def testBrokenStreamLeavesNothing(self):
        for size in (0, 1, 65536, 100000, 5 * MEBIBYTE):
            module_data = self.connector.new_data(self.context)
            self._expectStreamError(module_data, content(size))
            self._expectMissing(module_data, 'after an assign whose stream broke at %d' % size)

    @proves(BREAKS)
    def testBrokenStreamLeavesEarlierContent(self):
        for size in (0, 1, 100000, 3 * MEBIBYTE):
            module_data = self._store(b'earlier')
            self._expectStreamError(module_data, content(size))
            self._expectContent(module_data, b'earlier', 'an object whose second assign failed')

    @proves(REPEATED)
    def testWriteAgainAfterBrokenStream(self):
        module_data, data = self.connector.new_data(self.context), content(100000)
        self._expectStreamError(module_data, data[:70000])
        self._assign(module_data, data)
        self._expectContent(module_data, data, 'an object whose first assign failed')

    def _expectWritten(self, data):
        module_data = self._store(data)
        self._expectContent(module_data, data, 'an object of %d bytes' % len(data))
        self.assertEqual(len(data), self.connector.get_size(self.context, module_data),
                         'get_size of an object of %d bytes' % len(data))
        self.compareWrittenData(module_data, data)
