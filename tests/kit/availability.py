"""What each instance sees of an object before, during and after an assign."""

from tests.kit.contract import BREAKS, WHOLE, proves
from tests.kit.streams import content, describe

SIZE = 4 * 1024 * 1024
# Positions: before anything is read, half-way, and when all is read but not yet the b'' after it.
MOMENTS = (0, SIZE // 2, SIZE)


class AvailableChecks(object):

    @proves(WHOLE)
    def testAvailable(self):
        for data in (b'', b'x', content(100000)):
            self._expectAvailable(True, self._store(data), 'after assign of %d bytes' % len(data))

    @proves(WHOLE, BREAKS)
    def testNotAvailableWhileWritten(self):
        for connector in self._instances():
            module_data = self.connector.new_data(self.context)
            timely, _ = self._ask_during_assign(
                module_data, content(SIZE), MOMENTS,
                lambda: self._available(module_data, connector))
            for question in timely:
                # It may also raise.
                self._require(question.error or question.answer is False,
                              'available is %r while the stream is still read' % question.answer)
            self._expectObject(module_data, content(SIZE), 'an object that was asked for too early')

    @proves(BREAKS)
    def testNoPartIsReadWhileWritten(self):
        for look, connector in self._looks():
            module_data = self.connector.new_data(self.context)
            timely, _ = self._ask_during_assign(
                module_data, content(SIZE), MOMENTS, lambda: look(module_data, connector))
            for question in timely:
                self._require(question.error, 'while the stream is still read, another gets %s'
                              % describe(question.answer))

    @proves(BREAKS)
    def testEarlierContentIsReadWhileReplaced(self):
        earlier = content(100000, first=5000000)
        for look, connector in self._looks():
            module_data = self._store(earlier)
            timely, _ = self._ask_during_assign(
                module_data, content(SIZE), MOMENTS, lambda: look(module_data, connector))
            for question in timely:
                self._require(question.error or question.answer in (earlier, len(earlier)),
                              'of an object that is being replaced, another gets %s'
                              % describe(question.answer))
            self._expectObject(module_data, content(SIZE), 'an object that was replaced')

    def _looks(self):
        return [(look, connector) for connector in self._instances()
                for look in (self._read, self._size)]
