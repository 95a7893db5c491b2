"""assign: all bytes, exactly, from whatever stream."""

import shutil
import tempfile

from tests.kit.contract import FROM_NOW_ON, KEPT, REPEATED, SHORT_READS, STORE, proves
from tests.kit.streams import (
    BLOCKS, DELICATE, FILES, DribblingStream, MeasuringStream, content)

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
            data = content(300000)
            module_data = self._storeStream(DribblingStream(data, seed))
            self._expectContent(module_data, data, 'a stream that dribbles (seed %d)' % seed)

    @proves(FROM_NOW_ON)
    def testWriteFromFiles(self):
        # Uploads lie in files, in memory or compressed; their servers may have read the start.
        data, folder = content(200000), tempfile.mkdtemp(prefix='kit-')
        try:
            for name, make in FILES:
                for start in (0, 10, 70001, len(data)):
                    stream = make(data, folder)
                    try:
                        stream.read(start)
                        module_data = self._storeStream(stream)
                    finally:
                        stream.close()
                    self._expectContent(module_data, data[start:],
                                        '%s of which %d bytes were read' % (name, start))
        finally:
            shutil.rmtree(folder)

    @proves(KEPT)
    def testWriteTakesOnePieceAtATime(self):
        stream = MeasuringStream(content(2 * MEBIBYTE), 65536)
        self._storeStream(stream)
        for size in stream.sizes:
            self._require(size > 0, 'read(%d) takes the whole object into memory' % size)

    @proves(REPEATED)
    def testWriteAgainReplaces(self):
        contents = [b'a first and longer content', b'the second', b'', content(200000),
                    content(70000), b'x']
        module_data = self.connector.new_data(self.context)
        for data in contents + contents[::-1]:
            self._assign(module_data, data)
            self._expectObject(module_data, data, 'an object assigned again')
            self.compareWrittenData(module_data, data)

    @proves(REPEATED)
    def testWriteAgainAfterBrokenStream(self):
        module_data, data = self.connector.new_data(self.context), content(100000)
        self._expectStreamError(module_data, data[:70000])
        self._assign(module_data, data)
        self._expectContent(module_data, data, 'an object whose first assign failed')

    def _expectWritten(self, data):
        module_data = self._store(data)
        self._expectObject(module_data, data, 'an object of %d bytes' % len(data))
        self.compareWrittenData(module_data, data)
