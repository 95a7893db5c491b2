"""assign from a stream that breaks: a part must never be taken for the whole."""

from tests.kit.contract import BREAKS, NO_BYTES, proves
from tests.kit.streams import FalteringStream, Stream, StreamError, StreamTimeout, content

# What a `read` may raise that is no Exception: a time limit, a server's end, a cancelled task.
INTERRUPTS = (StreamTimeout, SystemExit, GeneratorExit)


class BrokenStreamChecks(object):

    @proves(BREAKS)
    def testBrokenStreamRaises(self):
        for error in (StreamError, IOError, ValueError, KeyError, EOFError) + INTERRUPTS:
            self._expectStreamError(self.connector.new_data(self.context), b'a part', error)

    @proves(BREAKS)
    def testStreamThatRaisesStopIterationIsNoWhole(self):
        # In a loop of the module it would look like the end, and the part like the whole.
        module_data = self.connector.new_data(self.context)
        try:
            self.connector.assign(self.context, module_data, Stream(b'a part', 3, StopIteration))
        except Exception:
            self._expectMissing(module_data, 'after an assign whose stream broke')
        else:
            self.fail('assign returned, though its stream broke')

    @proves(BREAKS)
    def testBrokenStreamLeavesNothing(self):
        for size in (0, 1, 65536, 100000, 5 * 1024 * 1024):
            self._expectNoPart(content(size), StreamError)

    @proves(BREAKS)
    def testInterruptedStreamLeavesNothing(self):
        for error in INTERRUPTS:
            for size in (0, 100000):
                self._expectNoPart(content(size), error)

    @proves(BREAKS)
    def testBrokenStreamLeavesEarlierContent(self):
        for size in (0, 1, 100000, 3 * 1024 * 1024):
            self._expectEarlierContent(content(size), StreamError)

    @proves(BREAKS)
    def testInterruptedStreamLeavesEarlierContent(self):
        for error in INTERRUPTS:
            self._expectEarlierContent(content(100000), error)

    @proves(NO_BYTES)
    def testReadOfNoBytesIsNoEnd(self):
        data = content(100000)
        for odd in (None, u'', u'text'):
            module_data = self.connector.new_data(self.context)
            try:
                self.connector.assign(self.context, module_data, FalteringStream(data, odd))
            except Exception:
                self._expectMissing(module_data, 'after an assign whose stream returned %r' % odd)
            else:
                # It has read on, which is also right.
                self._expectContent(module_data, data, 'a stream that once returned %r' % odd)

    def _expectNoPart(self, data, error):
        module_data = self.connector.new_data(self.context)
        self._expectStreamError(module_data, data, error)
        for connector in self._instances():
            self._expectMissing(module_data, 'after an assign whose stream raised %s at %d'
                                % (error.__name__, len(data)), connector)

    def _expectEarlierContent(self, data, error):
        module_data = self._store(b'earlier')
        self._expectStreamError(module_data, data, error)
        self._expectContent(module_data, b'earlier', 'an object whose second assign failed')
