"""module_data that this storage did not make, as a database may give it back."""

import json
import os
import shutil
import tempfile

from tests.kit.contract import DATABASE, DESTROY, NO_OBJECT, RAISES, proves
from tests.kit.streams import content, describe

FOREIGN = ('', ' ', 'x', '0', '-1', '17', '*', '%', '?', '{}', '[]', 'null', 'true', '""', '"x"',
           '{"path": ""}', '{"path": null}', '{"id": "x"}', '[[[[', 'a\0b', 'a\nb', 'x' * 100000,
           "' or '1' = '1", u'\xfc\u4e2d', '0' * 32, 'NaN', '\\', None)

# Not for delete: a careless module would destroy the files of others.
FOREIGN_TO_READ = ('.', '..', '/', '../..', './.', '~', '//')


class ForeignDataChecks(object):

    @proves(DATABASE)
    def testModuleDataComesBackAsOtherText(self):
        # On Python 2 it comes back as `unicode`. It is equal, but never the same Python object.
        module_data = self._store(b'content')
        stored = json.loads(json.dumps([module_data]))[0]
        self._expectObject(stored, b'content', 'an object whose module_data was stored as text')
        self._assign(stored, b'replaced')
        self._expectContent(module_data, b'replaced', 'an object replaced by its stored text')
        self.connector.delete(self.context, stored)
        self._expectMissing(module_data, 'after delete by its stored text')

    @proves(RAISES, NO_OBJECT)
    def testForeignModuleDataReadsNothing(self):
        self._store(content(1000))
        for foreign in FOREIGN + FOREIGN_TO_READ:
            self._expectNothing(foreign)

    @proves(DESTROY)
    def testForeignModuleDataDestroysNothing(self):
        kept = [(self._store(data), data) for data in (b'', b'one', content(1000))]
        for foreign in FOREIGN:
            self._delete_quietly(foreign)
            for module_data, data in kept:
                self._expectContent(module_data, data, 'an object after delete of %.40r' % foreign)

    @proves(RAISES, DESTROY)
    def testNoFileOfOthersIsReached(self):
        folder = tempfile.mkdtemp(prefix='kit-')
        try:
            path = os.path.join(folder, 'precious')
            with open(path, 'wb') as precious:
                precious.write(b'precious')
            climb = '../' * 30 + path.lstrip('/')
            for value in (path, climb, './' + climb, 'x/' + climb, 'file://' + path):
                for form in (value, json.dumps({'path': value}), json.dumps(value)):
                    self._expectNothing(form)
                    self._delete_quietly(form)
                    self._require(os.path.exists(path), 'delete of %r removed a file' % form)
        finally:
            shutil.rmtree(folder)

    @proves(RAISES, NO_OBJECT, DESTROY)
    def testDamagedModuleData(self):
        kept = [(self._store(data), data) for data in (b'one', b'two', content(1000))]
        issued = [module_data for module_data, _ in kept]
        for damaged in self._damage(issued[0]):
            # Where objects have numbers, damage can give the number of another object.
            if damaged not in issued:
                self._expectNothing(damaged)
                self._delete_quietly(damaged)
        for module_data, data in kept:
            self._expectContent(module_data, data, 'an object after delete of damaged module_data')

    @proves(RAISES, DESTROY)
    def testMisspelledModuleDataIsNoOtherObject(self):
        data, others = b'of its own', [b'one', content(1000)]
        module_data = self._store(data)
        kept = [(self._store(other), other) for other in others]
        issued = [stored for stored, _ in kept] + [module_data]
        for wrong in self._misspell(module_data):
            if wrong in issued:
                continue
            found = self._found(wrong)
            # A module may ignore parts of it: then this is another spelling of the same object.
            self._require(found is None or found == data,
                          '%.80r, for %.80r, reads %s' % (wrong, module_data, describe(found)))
            if found is None:
                self._delete_quietly(wrong)
                self._expectContent(module_data, data, 'an object after delete of %.80r' % wrong)
        for stored, other in kept:
            self._expectContent(stored, other, 'an object after delete of misspelled module_data')

    @proves(RAISES, NO_OBJECT)
    def testModuleDataOfAnotherStorage(self):
        elsewhere = self.makeConnectorElsewhere()
        if elsewhere is None:
            return
        self._store(b'here')
        foreign = self._store(b'elsewhere', connector=elsewhere)
        self._expectMissing(foreign, 'that is stored elsewhere only')
        self._delete_quietly(foreign)
        self._expectContent(foreign, b'elsewhere', 'an object elsewhere, after a delete here',
                            elsewhere)

    def _damage(self, module_data):
        half = len(module_data) // 2
        return [module_data[:half], module_data[half:], module_data[:-1], module_data[1:],
                'x' + module_data, module_data + 'x', module_data * 2, module_data[::-1],
                module_data + '\0', '../' + module_data, module_data + '/', module_data + '/../x']

    def _misspell(self, module_data):
        """Return values that differ from `module_data` in one letter or digit each."""
        places = [place for place, sign in enumerate(module_data) if sign.isalnum()]
        step = max(1, len(places) // 12)
        return [module_data[:place] + self._other(module_data[place]) + module_data[place + 1:]
                for place in places[::step] + places[-1:]]

    def _other(self, sign):
        # Hexadecimal digits become other hexadecimal digits, everything else a 0.
        following = '0123456789abcdef'
        return following[(following.find(sign.lower()) + 1) % 16]

    def _found(self, module_data):
        """Return the content of the object, None if it can not be read."""
        try:
            return self._read(module_data)
        except Exception:
            return None

    def _expectNothing(self, module_data):
        """`available` must be False or raise. Reading, and get_size, must raise."""
        try:
            available = self._available(module_data)
        except Exception:
            available = False
        self._require(available is False, 'available of %.80r is %r' % (module_data, available))
        found = self._found(module_data)
        self._require(found is None, '%.80r reads %s' % (module_data, describe(found)))
        self._expectFailure(self.connector.get_size, module_data, '%.80r' % (module_data,))

    def _delete_quietly(self, module_data):
        try:
            self.connector.delete(self.context, module_data)
        except Exception:
            pass
