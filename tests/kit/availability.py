"""available: before, during and after an assign."""

from tests.kit.contract import BREAKS, WHOLE, proves
from tests.kit.streams import content, describe

SIZE = 4 * 1024 * 1024
# Before anything is read, half-way, and when all is read but the end not seen.
MOMENTS = (0, SIZE // 2, SIZE)


class AvailableChecks(object):

    @proves(WHOLE)
    def testAvailable(self):
        for data in (b'', b'x', content(100000)):
            self._expectAvailable(True, self._store(data), 'after assign of %d bytes' % len(data))

    @proves(WHOLE, BREAKS)
    def testNotAvailableWhileWritten(self):
        module_data = self.connector.new_data(self.context)
        timely, _ = self._ask_during_assign(
            module_data, content(SIZE), MOMENTS, lambda: self._available(module_data))
        for question in timely:
            # It may raise as well.
            self._require(question.error or question.answer is False,
                          'available is %r while the stream is still read' % question.answer)
        self._expectAvailable(True, module_data, 'after assign')

    @proves(BREAKS)
    def testNoPartIsReadWhileWritten(self):
        module_data = self.connector.new_data(self.context)
        timely, _ = self._ask_during_assign(
            module_data, content(SIZE), MOMENTS, lambda: self._read(module_data))
        for question in timely:
            self._require(question.error, 'while the stream is still read, a reader gets %s'
                          % describe(question.answer))

    @proves(BREAKS)
    def testEarlierContentIsReadWhileReplaced(self):
        earlier = content(100000, first=5000000)
        module_data = self._store(earlier)
        timely, _ = self._ask_during_assign(
            module_data, content(SIZE), MOMENTS, lambda: self._read(module_data))
        for question in timely:
            if not question.error:
                self._expectSame(earlier, question.answer, 'an object that is being replaced')
        self._expectContent(module_data, content(SIZE), 'an object that was replaced')
