"""Many threads, instances, processes and locations."""

import os
import random

from tests.kit import together
from tests.kit.contract import BREAKS, REPLICATION, TOGETHER, proves
from tests.kit.streams import DribblingStream, Stream, content, describe

SEED = 20120601


class SharingChecks(object):

    @proves(TOGETHER)
    def testManyThreads(self):
        def live(number):
            data = content(1000 + number)
            for _ in range(10):
                module_data = self._store(data, most=100)
                self._expectContent(module_data, data, 'an object of one of eight threads')
                self.connector.delete(self.context, module_data)

        self._expectTogether([lambda number=number: live(number) for number in range(8)])

    @proves(TOGETHER)
    def testOneObjectIsWrittenWhileAnotherIs(self):
        data, other = content(1000000), content(500000, first=3000000)
        module_data, written = self.connector.new_data(self.context), []
        timely, late = self._ask_during_assign(
            module_data, data, [500000], lambda: written.append(self._store(other)))
        for question in timely + late:
            self._require(question.error is None, 'the second assign raised %r' % question.error)
        self._expectContent(module_data, data, 'an object during whose assign another was stored')
        self._expectContent(written[0], other, 'an object stored during the assign of another')

    @proves(TOGETHER)
    def testOfTwoWritersOfOneObjectOneWins(self):
        # The second starts and ends in the middle of the first; it may be longer or shorter.
        for size in (100000, 1500000):
            contents = [content(1000000), content(size, first=3000000)]
            module_data = self.connector.new_data(self.context)
            self._ask_during_assign(
                module_data, contents[0], [500000], lambda: self._assign(module_data, contents[1]))
            self._expectOneOf(contents, module_data)

    @proves(TOGETHER)
    def testOfManyWritersOfOneObjectOneWins(self):
        connectors = [self.connector, self.makeConnector() or self.connector]
        contents = [bytes(bytearray([65 + index])) * (50000 + index) for index in range(6)]
        module_data = self.connector.new_data(self.context)

        def write(index):
            for turn in range(5):
                connectors[index % 2].assign(
                    self.context, module_data,
                    DribblingStream(contents[index], SEED + 10 * index + turn))

        self._expectTogether([lambda index=index: write(index) for index in range(6)])
        self._expectOneOf(contents, module_data)

    @proves(BREAKS)
    def testReadersWhileReplaced(self):
        contents = [bytes(bytearray([48 + digit])) * (40000 + digit) for digit in range(10)]
        module_data = self._store(contents[0])

        def write(seed):
            choose = random.Random(seed)
            for _ in range(15):
                self._assign(module_data, choose.choice(contents), most=5000)

        def read():
            for _ in range(30):
                try:
                    found = self._read(module_data)
                except Exception:
                    continue
                self._require(found in contents, 'a reader got %s (seed %d)'
                              % (describe(found), SEED))

        self._expectTogether([lambda: write(SEED), read, lambda: write(SEED + 1), read])
        self._expectOneOf(contents, module_data)

    @proves(TOGETHER)
    def testTwoInstancesShareTheStorage(self):
        other = self.makeConnector()
        if other is None:
            return
        for one, two in ((self.connector, other), (other, self.connector)):
            module_data = self._store(b'content', connector=one)
            self._expectAvailable(True, module_data, 'for another instance', two)
            self._expectContent(module_data, b'content', 'an object of another instance', two)
            self.assertEqual(7, two.get_size(self.context, module_data))
            self._assign(module_data, b'replaced by another', connector=two)
            self._expectContent(module_data, b'replaced by another', 'an object', one)
            self.assertEqual(19, one.get_size(self.context, module_data))
            two.delete(self.context, module_data)
            self._expectAvailable(False, module_data, 'after another instance deleted it', one)

    @proves(TOGETHER)
    def testTwoProcessesShareTheStorage(self):
        if not hasattr(os, 'fork') or self.makeConnector() is None:
            return
        mine = self._store(b'of the first process')
        made = [self.connector.new_data(self.context) for _ in range(100)]

        theirs, others = self._in_process(self._live_in_another_process, mine)
        self.assertEqual(200, len(set(made + others)), 'two processes returned the same new_data')
        self._expectContent(theirs, content(100000), 'an object of another process')
        self.assertEqual(100000, self.connector.get_size(self.context, theirs))
        self._expectContent(mine, b'replaced', 'an object that another process replaced')
        self._in_process(lambda: self.makeConnector().delete(self.context, mine))
        self._expectMissing(mine, 'after another process deleted it')

    @proves(REPLICATION)
    def testReplicationToAnotherLocation(self):
        elsewhere = self.makeConnectorElsewhere()
        if elsewhere is None:
            return
        data = content(100000)
        module_data = self._store(data)
        self._expectAvailable(False, module_data, 'where the object is not', elsewhere)
        self._copy(module_data, elsewhere)
        self._expectAvailable(True, module_data, 'where the object was copied to', elsewhere)
        self._expectContent(module_data, data, 'an object that was replicated', elsewhere)
        elsewhere.delete(self.context, module_data)
        self._expectAvailable(False, module_data, 'where it was deleted', elsewhere)
        self._expectContent(module_data, data, 'an object whose replica was deleted')

    @proves(TOGETHER)
    def testInstancesOfTwoStoragesShareNothing(self):
        here = self._store(b'here')
        elsewhere = self.makeConnectorElsewhere()
        if elsewhere is None:
            return
        there = self._store(b'there', connector=elsewhere)
        self._expectContent(here, b'here', 'an object, after another storage was opened')
        self._expectContent(there, b'there', 'an object elsewhere', elsewhere)
        self._expectAvailable(False, here, 'elsewhere', elsewhere)
        self._expectAvailable(False, there, 'here, though it was stored elsewhere')

    def _live_in_another_process(self, mine):
        """Store one object, read and replace another; return what the first process checks."""
        connector = self.makeConnector()
        self._expectContent(mine, b'of the first process', 'an object of another process',
                            connector)
        connector.assign(self.context, mine, Stream(b'replaced'))
        others = [connector.new_data(self.context) for _ in range(100)]
        return self._store(content(100000), connector=connector), others

    def _in_process(self, call, *arguments):
        answer, problem = together.in_process(lambda: call(*arguments))
        self.assertEqual('', problem, 'in another process:\n%s' % problem)
        return answer

    def _copy(self, module_data, target):
        stream = self._open(module_data)
        try:
            target.assign(self.context, module_data, stream)
        finally:
            stream.close()

    def _expectOneOf(self, contents, module_data):
        found = self._read(module_data)
        self._require(found in contents, 'of several writers none won: there are %s (seed %d)'
                      % (describe(found), SEED))
        self.assertEqual(len(found), self.connector.get_size(self.context, module_data),
                         'get_size after several writers')
