"""Many threads, instances, processes and locations."""

import os
import random

from tests.kit import together
from tests.kit.contract import BREAKS, CHANGED, OWN, REPLICATION, TOGETHER, proves
from tests.kit.streams import DribblingStream, content, describe

SEED = 20120601


class SharingChecks(object):

    @proves(TOGETHER)
    def testManyThreads(self):
        def live(number):
            data = content(1000 + number)
            for _ in range(10):
                module_data = self._store(data, most=100)
                self._expectObject(module_data, data, 'an object of one of eight threads')
                self.connector.delete(self.context, module_data)

        self._expectTogether([lambda number=number: live(number) for number in range(8)])

    @proves(TOGETHER)
    def testOneObjectIsWrittenWhileAnotherIs(self):
        data, other = content(1000000), content(500000, first=3000000)
        module_data = self.connector.new_data(self.context)
        timely, late = self._ask_during_assign(
            module_data, data, [500000], lambda: self._store(other))
        self._expectObject(module_data, data, 'an object during whose assign another was stored')
        for question in timely + late:
            self._expectObject(question.result(), other,
                               'an object stored during the assign of another')

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

    @proves(TOGETHER, CHANGED)
    def testTwoInstancesShareTheStorage(self):
        other = self.makeConnector()
        if other is not None:
            self._expectShared(lambda call: call(other))

    @proves(TOGETHER, CHANGED)
    def testTwoProcessesShareTheStorage(self):
        if not hasattr(os, 'fork') or self.makeConnector() is None:
            return
        self._expectShared(lambda call: self._in_process(lambda: call(self.makeConnector())))
        names = [self._hundred_names(self.connector),
                 self._in_process(lambda: self._hundred_names(self.makeConnector()))]
        self.assertEqual(200, len(set(names[0] + names[1])),
                         'two processes returned the same new_data')

    @proves(REPLICATION)
    def testReplicationToAnotherLocation(self):
        elsewhere = self.makeConnectorElsewhere()
        if elsewhere is None:
            return
        data = content(100000)
        module_data = self._store(data)
        self._expectMissing(module_data, 'where the object is not', elsewhere)
        self._replicate(module_data, elsewhere)
        self._expectObject(module_data, data, 'an object that was replicated', elsewhere)
        elsewhere.delete(self.context, module_data)
        self._expectMissing(module_data, 'where its replica was deleted', elsewhere)
        self._expectObject(module_data, data, 'an object whose replica was deleted')

    @proves(OWN)
    def testReplicaOutlivesItsSource(self):
        elsewhere = self.makeConnectorElsewhere()
        if elsewhere is None:
            return
        data = content(100000)
        module_data = self._store(data)
        self._replicate(module_data, elsewhere)
        self.connector.delete(self.context, module_data)
        self._expectObject(module_data, data, 'a replica whose source was deleted', elsewhere)

    @proves(TOGETHER)
    def testInstancesOfTwoStoragesShareNothing(self):
        here = self._store(b'here')
        elsewhere = self.makeConnectorElsewhere()
        if elsewhere is None:
            return
        self._store(b'there', connector=elsewhere)
        self._expectObject(here, b'here', 'an object, after another storage was opened')

    def _expectShared(self, there):
        """An object must be the same here and there, where `there(call)` runs `call(instance)`.

        Here it is asked for before each change, as it may be remembered.
        """
        module_data = self.connector.new_data(self.context)
        self._expectMissing(module_data, 'before assign')
        for data in (b'content', b'replaced by another', b'', content(100000)):
            there(lambda other: self._assign(module_data, data, connector=other))
            self._expectObject(module_data, data, 'an object that another instance has written')
        self._assign(module_data, b'replaced here')
        there(lambda other: self._expectObject(
            module_data, b'replaced here', 'an object that this instance has replaced', other))
        there(lambda other: other.delete(self.context, module_data))
        self._expectMissing(module_data, 'after another instance deleted it')

    def _hundred_names(self, connector):
        return [connector.new_data(self.context) for _ in range(100)]

    def _in_process(self, call):
        answer, problem = together.in_process(call)
        self.assertEqual('', problem, 'in another process:\n%s' % problem)
        return answer

    def _replicate(self, module_data, target):
        stream = self._open(module_data)
        try:
            target.assign(self.context, module_data, stream)
        finally:
            stream.close()

    def _expectOneOf(self, contents, module_data):
        found = self._read(module_data)
        self._require(found in contents, 'of several writers none won: there are %s (seed %d)'
                      % (describe(found), SEED))
        self._expectSize(len(found), module_data, 'an object of several writers')
