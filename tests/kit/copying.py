"""Copies on the server: a read stream of one object is what assign reads for another."""

from tests.kit.contract import COPY, FROM_NOW_ON, OWN, proves
from tests.kit.streams import ODD_LENGTH as LENGTH, content


class CopyChecks(object):

    @proves(COPY)
    def testCopyOnTheServer(self):
        for size in (0, 1, 65536, LENGTH):
            data = content(size)
            source = self._store(data)
            copy = self._copy(source)
            self._expectObject(copy, data, 'a copy')
            self._expectObject(source, data, 'the source of a copy')

    @proves(COPY, FROM_NOW_ON)
    def testCopyFromAPosition(self):
        data = content(LENGTH)
        source = self._store(data)
        for position, read in ((0, 1), (0, 65536), (1, 0), (4096, 0), (70000, 100), (LENGTH, 0),
                               (LENGTH - 1, 1), (LENGTH + 10, 0)):
            copy = self._copy(source, position, read)
            self._expectObject(copy, data[position + read:],
                               'a copy after seek(%d), read(%d)' % (position, read))

    @proves(OWN)
    def testCopyAndSourceAreTwoObjects(self):
        data = content(100000)
        for change, call in (('deleted', self.connector.delete), ('replaced', self._replace)):
            for copy_stays in (True, False):
                source = self._store(data)
                copy = self._copy(source)
                stays, goes = (copy, source) if copy_stays else (source, copy)
                call(self.context, goes)
                self._expectObject(stays, data, 'the %s of an object that was %s'
                                   % ('copy' if copy_stays else 'source', change))

    def _copy(self, source, position=0, read=0):
        """Return the module_data of a copy, made after a seek and a read of `read` bytes."""
        stream = self._open(source)
        try:
            if position:
                stream.seek(position)
            self._take(stream, read)
            return self._storeStream(stream)
        finally:
            stream.close()

    def _replace(self, context, module_data):
        self._assign(module_data, content(70000, first=4000000))
