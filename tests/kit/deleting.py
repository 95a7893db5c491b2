"""delete: it destroys that object, and no other."""

from tests.kit.contract import DESTROY, GONE, STREAM, proves
from tests.kit.streams import content


class DeleteChecks(object):

    @proves(DESTROY)
    def testDelete(self):
        module_data = self._store(b'deleted')
        self.connector.delete(self.context, module_data)
        self._expectMissing(module_data, 'after delete')

    @proves(DESTROY)
    def testDeleteLeavesOthers(self):
        # Some with the same bytes: a store may keep those once, but must not lose them.
        contents = [b'deleted', b'deleted', b'other', b'', content(100000)]
        module_data, others = self._store(b'deleted'), []
        for data in contents:
            others.append((self._store(data), data))
        self.connector.delete(self.context, module_data)
        for other, data in others:
            self._expectObject(other, data, 'an object beside a deleted one')

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
        self._expectOutlived(self.readersOutliveDelete, 'delete',
                             lambda module_data, by: by.delete(self.context, module_data))

    @proves(STREAM)
    def testReplaceUnderAReader(self):
        for size in (0, 10, 300000, 600000):
            self._expectOutlived(
                self.readersOutliveAssign, 'an assign that replaces it',
                lambda module_data, by: self._assign(
                    module_data, content(size, first=7000000), connector=by))

    def _raises_on_delete(self, module_data):
        try:
            self.connector.delete(self.context, module_data)
        except Exception:
            return True
        return False

    def _expectOutlived(self, declared, change, call):
        """An open stream must give its whole content or raise; never other bytes, never fewer.

        `call(module_data, by)` makes the change by the instance `by`. `declared` is the declaration
        of the suite, or None.
        """
        data = content(300000)
        for by in self._instances():
            module_data = self._store(data)
            stream, outlives = self._open(module_data), True
            try:
                found = self._take(stream, 10)
                call(module_data, by)
                try:
                    found += self._take(stream, 400000)
                    stream.seek(150000)
                    found += self._take(stream, 10)
                except self.failureException:
                    raise
                except Exception:
                    outlives = False
                else:
                    self._expectSame(data + data[150000:150010], found,
                                     'an open stream, then a range of it, through %s' % change)
            finally:
                stream.close()
            self._expectChosen(declared, outlives, 'an open stream outlives %s' % change)

    def _expectChosen(self, declared, found, what):
        self._require(declared is None or declared == found,
                      '%s: the suite declares %s, the module does %s'
                      % (what, declared, found))
