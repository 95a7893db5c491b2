"""delete: that object, and no other."""

from tests.kit.contract import DESTROY, GONE, STREAM, proves
from tests.kit.streams import content, describe


class DeleteChecks(object):

    @proves(DESTROY)
    def testDelete(self):
        module_data = self._store(b'deleted')
        self.connector.delete(self.context, module_data)
        self._expectMissing(module_data, 'after delete')

    @proves(DESTROY)
    def testDeleteLeavesOthers(self):
        # The same bytes, too: a store may keep them once, but not lose them.
        contents = [b'deleted', b'deleted', b'other', b'', content(100000)]
        module_data, others = self._store(b'deleted'), []
        for data in contents:
            others.append((self._store(data), data))
        self.connector.delete(self.context, module_data)
        for other, data in others:
            self._expectAvailable(True, other, 'beside a deleted object')
            self._expectContent(other, data, 'an object beside a deleted one')

    @proves(GONE)
    def testDeleteTwice(self):
        module_data, other = self._store(b'deleted'), self._store(b'other')
        self.connector.delete(self.context, module_data)
        self._expectChosen(self.deleteOfMissingRaises, self._raises_on_delete(module_data),
                           'delete raises for what is deleted already')
        self._expectMissing(module_data, 'after two deletes')
        self._expectContent(other, b'other', 'an object beside one that is deleted twice')

    @proves(GONE)
    def testDeleteOfWhatWasNeverWritten(self):
        module_data, other = self.connector.new_data(self.context), self._store(b'other')
        self._expectChosen(self.deleteOfMissingRaises, self._raises_on_delete(module_data),
                           'delete raises for what was never written')
        self._expectMissing(module_data, 'after delete')
        self._expectContent(other, b'other', 'an object beside one that never was')

    @proves(STREAM)
    def testDeleteUnderAReader(self):
        self._expectOutlived(self.readersOutliveDelete, 'delete', self.connector.delete)

    @proves(STREAM)
    def testReplaceUnderAReader(self):
        for size in (0, 10, 300000, 600000):
            self._expectOutlived(
                self.readersOutliveAssign, 'an assign that replaces it',
                lambda context, module_data: self._assign(module_data, content(size, 7000000)))

    def _raises_on_delete(self, module_data):
        try:
            self.connector.delete(self.context, module_data)
        except Exception:
            return True
        return False

    def _expectOutlived(self, declared, change, call):
        """An open stream must give its content whole, or raise; never other bytes, never fewer."""
        data = content(300000)
        module_data = self._store(data)
        stream, outlives = self._open(module_data), True
        try:
            found = self._take(stream, 10)
            call(self.context, module_data)
            try:
                found += self._take(stream, 400000)
                stream.seek(150000)
                later = self._take(stream, 10)
            except self.failureException:
                raise
            except Exception:
                outlives = False
            else:
                self._expectSame(data, found, 'an open stream, through %s' % change)
                self._expectSame(data[150000:150010], later, 'a range, after %s' % change)
        finally:
            stream.close()
        self._expectChosen(declared, outlives, 'an open stream outlives %s' % change)

    def _expectChosen(self, declared, found, what):
        self._require(declared is None or declared == found,
                      '%s: the suite declares %s, the module does %s'
                      % (what, declared, describe(found) if isinstance(found, bytes) else found))
