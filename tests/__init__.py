"""The conformance kit: what the guide promises of every storage module, as tests.

    class NewStorageTest(StorageModuleTestBase, unittest.TestCase):

        def setUp(self):
            super(NewStorageTest, self).setUp(NewStorage(arg1='...'), {})

        def compareWrittenData(self, module_data, data):
            self.assertEqual(data, ...what lies in the storage...)

It needs nothing but `unittest`. Each failure says which sentence of the contract is broken.
"""

import json
import struct
import threading

__all__ = ['StorageModuleTestBase', 'Stream', 'StreamError', 'content']

# Every byte value, so that a text mode, a newline or a NUL can't hide.
ALL_BYTES = bytes(bytearray(range(256)))


class StorageModuleTestBase(object):
    """The tests of a storage module, to be mixed into a `unittest.TestCase`."""

    def setUp(self, connector, extra_context=None):
        """Test `connector`, an instance of the module.

        `extra_context` is merged into the context that every method gets, for instance
        `{'func': {'getModule': function}}` for a module that extends another.
        """
        self.connector = connector
        self.context = {'func': {'getModule': self._no_module}}
        self.context.update(extra_context or {})

    def compareWrittenData(self, module_data, data):
        """Fail unless the bytes `data` lie in the storage as the object `module_data`.

        The suite of a module looks into its storage here, past the module's own methods.
        """
        raise NotImplementedError('a suite supplies compareWrittenData(module_data, data)')

    # new_data

    def testNewDataIsText(self):
        module_data = self.connector.new_data(self.context)
        self.assertTrue(isinstance(module_data, str), 'new_data must return a str')
        self.assertTrue(module_data, 'new_data must not return an empty string')

    def testNewDataIsNeverRepeated(self):
        made = [self.connector.new_data(self.context) for _ in range(1000)]
        self.assertEqual(1000, len(set(made)), 'new_data must return another value each time')

    # assign

    def testWrite(self):
        module_data = self._store(b'some content')
        self.compareWrittenData(module_data, b'some content')

    def testWriteEverySizeThenRead(self):
        for size in (0, 1, 255, 4096, 65535, 65536, 65537, 1024 * 1024 + 1, 3 * 1024 * 1024):
            data = content(size)
            module_data = self._store(data)
            self._expectContent(module_data, data, 'an object of %d bytes' % size)
            self.compareWrittenData(module_data, data)

    def testWriteFromStreamOfShortReads(self):
        data = content(5000)
        module_data = self._store(data, most=7)
        self._expectContent(module_data, data, 'a stream that returns 7 bytes at most a read')

    def testWriteAgainReplaces(self):
        module_data = self._store(b'a first and longer content')
        self._assign(module_data, b'the second')
        self._expectContent(module_data, b'the second', 'an object assigned twice')

    def testBrokenStreamLeavesNothing(self):
        module_data = self.connector.new_data(self.context)
        self._expectStreamError(module_data)
        self.assertTrue(self.connector.available(self.context, module_data) is False,
                        'available must be False after an assign whose stream raised')

    def testBrokenStreamLeavesEarlierContent(self):
        module_data = self._store(b'earlier')
        self._expectStreamError(module_data)
        self._expectContent(module_data, b'earlier', 'an object whose second assign failed')

    # available

    def testAvailable(self):
        self.assertTrue(self.connector.available(self.context, self._store(b'')) is True,
                        'available must be True after assign, for an empty object too')

    def testNotAvailable(self):
        module_data = self.connector.new_data(self.context)
        self.assertTrue(self.connector.available(self.context, module_data) is False,
                        'available must be False before assign')

    # get_read_stream

    def testWriteThenRead(self):
        self._expectContent(self._store(ALL_BYTES), ALL_BYTES, 'an object of all byte values')

    def testReadInPieces(self):
        data = content(10000)
        stream = self.connector.get_read_stream(self.context, self._store(data))
        try:
            pieces = []
            while not pieces or pieces[-1]:
                pieces.append(stream.read(999))
                self.assertTrue(len(pieces[-1]) <= 999, 'read(size) returns at most size bytes')
            self.assertEqual(data, b''.join(pieces), 'reads in a row must give all bytes once')
            self.assertEqual(b'', stream.read(1), "read must return b'' at the end, each time")
        finally:
            stream.close()

    def testReadRanges(self):
        data = content(10000)
        stream = self.connector.get_read_stream(self.context, self._store(data))
        try:
            for start, size in ((0, 1), (9999, 1), (1, 9998), (5000, 0), (9000, 2000), (10000, 1),
                                (12000, 1), (0, 10000)):
                stream.seek(start)
                self.assertEqual(data[start:start + size], stream.read(size),
                                 'seek(%d) then read(%d) must give that range' % (start, size))
        finally:
            stream.close()

    def testReadersAreIndependent(self):
        module_data = self._store(b'0123456789')
        one = self.connector.get_read_stream(self.context, module_data)
        two = self.connector.get_read_stream(self.context, module_data)
        try:
            one.seek(5)
            self.assertEqual(b'01234', two.read(5), 'each read stream has its own position')
            self.assertEqual(b'56789', one.read(5), 'each read stream has its own position')
        finally:
            one.close()
            two.close()

    def testReadMissingRaises(self):
        self._expectFailure(self.connector.get_read_stream, self.connector.new_data(self.context))

    # delete

    def testDelete(self):
        module_data, other = self._store(b'deleted'), self._store(b'other')
        self.connector.delete(self.context, module_data)
        self.assertTrue(self.connector.available(self.context, module_data) is False,
                        'available must be False after delete')
        self._expectFailure(self.connector.get_read_stream, module_data)
        self._expectContent(other, b'other', 'an object beside a deleted one')

    def testDeleteTwice(self):
        module_data = self._store(b'deleted')
        self.connector.delete(self.context, module_data)
        self.connector.delete(self.context, module_data)

    # get_size

    def testSize(self):
        for size in (0, 1, 100000):
            found = self.connector.get_size(self.context, self._store(content(size)))
            self.assertEqual(size, found, 'get_size must be the number of bytes assigned')

    def testSizeOfMissingRaises(self):
        self._expectFailure(self.connector.get_size, self.connector.new_data(self.context))

    # statistics

    def testStatistics(self):
        statistics = json.loads(json.dumps(self.connector.statistics(self.context)))
        for name in ('total', 'free', 'used'):
            number = statistics['capacity'][name]
            self.assertEqual(int(number), number, 'capacity %s must be an integer' % name)
            self.assertTrue(number >= -1, 'capacity %s must be bytes, or -1' % name)

    # All of them

    def testContextMayBeEmpty(self):
        for self.context in ({}, None):
            module_data = self._store(b'content')
            self._expectContent(module_data, b'content', 'an object stored without a context')
            self.connector.statistics(self.context)
            self.connector.delete(self.context, module_data)

    def testModuleDataComesBackAsOtherText(self):
        # It has been in a database: on Python 2 it comes back as `unicode`.
        module_data = self._store(b'content')
        stored = json.loads(json.dumps([module_data]))[0]
        self._expectContent(stored, b'content', 'an object whose module_data was stored as text')
        self.assertTrue(self.connector.available(self.context, stored))
        self.assertEqual(7, self.connector.get_size(self.context, stored))
        self.connector.delete(self.context, stored)

    def testManyThreads(self):
        failures = []

        def live(number):
            try:
                data = content(1000 + number)
                for _ in range(10):
                    module_data = self._store(data, most=100)
                    self._expectContent(module_data, data, 'an object of one of eight threads')
                    self.connector.delete(self.context, module_data)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=live, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures, 'one instance must serve many threads')

    def _store(self, data, most=None):
        module_data = self.connector.new_data(self.context)
        self._assign(module_data, data, most)
        return module_data

    def _assign(self, module_data, data, most=None):
        self.connector.assign(self.context, module_data, Stream(data, most))

    def _expectContent(self, module_data, data, what):
        stream = self.connector.get_read_stream(self.context, module_data)
        try:
            found = stream.read()
        finally:
            stream.close()
        # assertEqual would print megabytes.
        self.assertTrue(found == data, '%s must come back as it was' % what)

    def _expectStreamError(self, module_data):
        stream = Stream(b'a part of the new content', None, StreamError)
        try:
            self.connector.assign(self.context, module_data, stream)
        except StreamError:
            return
        self.fail('assign must let the exception of its stream go on')

    def _expectFailure(self, method, module_data):
        try:
            result = method(self.context, module_data)
        except Exception:
            return
        self.fail('%s must raise for a missing object, but returned %r' % (method, result))

    def _no_module(self, name):
        raise KeyError('no module is registered as %r' % (name,))


class StreamError(Exception):
    """What a `Stream` raises that is told to."""


class Stream(object):
    """A stream of `data` with nothing but `read`, which the contract asks for.

    A read returns at most `most` bytes, if given. `error`, an exception class, is raised in the
    place of the end.
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


def content(size):
    """Return `size` bytes in which no block is like another, so that none can be lost unseen."""
    words = size // 4 + 1
    return struct.pack('>%dI' % words, *range(words))[:size]
