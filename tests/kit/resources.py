"""What a module must not leave behind: descriptors, threads, files in its storage."""

import gc
import os
import threading

from tests.kit.contract import DESTROY, KEPT, proves
from tests.kit.streams import Stream, StreamError, StreamTimeout, content

ROUNDS = 10

FOLDERS = ('/proc/self/fd', '/dev/fd')


class ResourceChecks(object):

    @proves(KEPT)
    def testDescriptorsAreClosed(self):
        folders = [folder for folder in FOLDERS if os.path.isdir(folder)]
        if folders:
            self._expectSteady(lambda: len(os.listdir(folders[0])), 'open descriptors')

    @proves(KEPT)
    def testThreadsEnd(self):
        self._expectSteady(lambda: len(threading.enumerate()), 'threads')

    @proves(DESTROY)
    def testNothingIsLeftInTheStorage(self):
        before = self.listStorage()
        if before is None:
            return
        for _ in range(2):
            self._live()
        self._expectList(before, 'after all objects are deleted')

    @proves(KEPT)
    def testBrokenStreamLeavesNoTemporary(self):
        module_data, before = self._store(b'earlier'), self.listStorage()
        if before is None:
            return
        for name in (self.connector.new_data(self.context), module_data):
            for error in (StreamError, StreamTimeout):
                for size in (0, 100000):
                    self._expectStreamError(name, content(size), error)
                    self._expectList(before, 'after an assign whose stream broke')

    @proves(KEPT)
    def testReplacedContentIsNotLeftInTheStorage(self):
        module_data = self._store(b'first')
        before = self.listStorage()
        if before is None:
            return
        for data in (b'second', content(100000), b'last'):
            self._assign(module_data, data)
        self.assertEqual(len(before), len(self.listStorage()),
                         'the storage holds more after an object was replaced')

    def _expectSteady(self, count, what):
        # The first round may open what the module keeps on purpose: a connection, a pool.
        self._live()
        before = count()
        for _ in range(ROUNDS):
            self._live()
        if count() - before >= ROUNDS:
            # Some objects may only wait for the garbage collector.
            gc.collect()
        found = count()
        self._require(found - before < ROUNDS, '%d %s before %d objects lived, %d after'
                      % (before, what, ROUNDS, found))

    def _live(self):
        """Store, read, replace and delete an object. Also try a missing one and a failing write."""
        module_data = self._store(content(70000))
        self._available(module_data)
        self.connector.get_size(self.context, module_data)
        self._read(module_data)
        # A client that hangs up: the rest is not read.
        stream = self._open(module_data)
        stream.seek(10)
        stream.read(10)
        stream.close()
        self._assign(module_data, b'replaced')
        missing = self.connector.new_data(self.context)
        for call in (lambda: self._read(missing),
                     lambda: self.connector.get_size(self.context, missing),
                     lambda: self.connector.assign(
                         self.context, missing, Stream(content(70000), None, StreamError)),
                     lambda: self.connector.delete(self.context, missing)):
            try:
                call()
            except Exception:
                pass
        self.connector.statistics(self.context)
        self.connector.delete(self.context, module_data)

    def _expectList(self, before, when):
        found = self.listStorage()
        left, gone = self._without(found, before), self._without(before, found)
        self._require(not left + gone, '%s, the storage has %r left, and lacks %r'
                      % (when, left, gone))

    def _without(self, names, others):
        rest = list(names)
        for name in others:
            if name in rest:
                rest.remove(name)
        return rest
