"""Hostile input: whatever comes, nothing is harmed, and nothing outside of the root is touched."""

import json
import os
import random
import sys

from mezeo_fsstore import ConfigurationError, FilesystemStorage, InvalidModuleData
from tests import Stream
from tests.support import SOAK, RootTestCase, mock, run_python, unittest

try:
    import hypothesis
    from hypothesis import strategies
except ImportError:
    hypothesis = None

SEED = 20120604
EXAMPLES = 500 if SOAK else 60

# Characters that mean something to somebody.
SPICE = '/\\.\0\n\r\t "\'{}[]:,%$`~*?<>|&;#!\x7f0123456789abcdefABCDEFxyz'


def mutations(choose, valid):
    """Return `valid` with a few edits, of a kind that a scanner or an attacker would make."""
    text = list(valid)
    for _ in range(choose.randrange(1, 6)):
        place = choose.randrange(len(text) + 1)
        edit = choose.randrange(4)
        if edit == 0:
            text[place:place] = choose.choice(SPICE)
        elif edit == 1:
            del text[place:place + choose.randrange(5)]
        elif edit == 2:
            text[place:place + 1] = choose.choice(SPICE)
        else:
            text[place:place] = choose.choice(['../', '/etc/passwd', '\\u002e', '//', '%2e%2e'])
    return ''.join(text)


def attack(storage, module_data, stream=None):
    """Call every method with it; return the exceptions, which must be ours or the system's."""
    errors = []
    for call in (storage.available, storage.get_size, storage.delete,
                 lambda context, one: storage.get_read_stream(context, one).close(),
                 lambda context, one: storage.assign(context, one, stream or Stream(b'hostile'))):
        try:
            call(None, module_data)
        except (InvalidModuleData, EnvironmentError) as error:
            errors.append(error)
    return errors


class SeededTest(RootTestCase):
    """The same on every Python: tables from a seed."""

    settings = {'durable': False}

    def test_mutations_of_module_data_reach_nothing_but_what_they_name(self):
        choose = random.Random(SEED)
        victim = self.put(b'victim')
        for _ in range(3000):
            bad = mutations(choose, victim)
            try:
                path = json.loads(bad)['path']
                named = isinstance(path, type(u'')) and json.loads(victim)['path'] == path
            except (ValueError, TypeError, KeyError):
                path, named = None, False
            if not named:
                attack(self.storage, bad)
                self.assertEqual(b'victim', self.get(victim), 'seed %d: %r' % (SEED, bad))
        for path in self.files():
            self.assertTrue(os.path.basename(path).isalnum() and len(path) == 36, path)
        self.assertEqual(['root'], os.listdir(self.folder))

    def test_an_argument_of_any_json_is_taken_or_refused_by_name(self):
        choose = random.Random(SEED)
        values = [None, True, False, 0, 1, -1, 384, 0.5, '', 'true', '0600', '0700', '9',
                  'x' * 5000, [], {}, [1], {'a': 1}, u'\xe9', '\0', '/', self.root, '../x',
                  '0' * 32]
        for _ in range(2000):
            arguments = dict((name, choose.choice(values)) for name in (
                'durable', 'file_mode', 'dir_mode', 'root_id', 'other') if choose.random() < 0.4)
            try:
                FilesystemStorage(root=self.root, **arguments)
            except ConfigurationError as error:
                self.assertTrue(any(name in str(error) for name in arguments), error)

    def test_things_planted_anywhere_in_the_root_are_left_where_they_point(self):
        choose = random.Random(SEED)
        outside = os.path.join(self.folder, 'outside')
        os.mkdir(outside)
        for number in range(300):
            module_data = '{"path": "%03x/%032x"}' % (choose.randrange(8), choose.randrange(4))
            self.plant(choose, self.path(module_data), outside)
            before = sorted(os.walk(outside)), os.stat(outside).st_mtime
            attack(self.storage, module_data)
            self.assertEqual(before, (sorted(os.walk(outside)), os.stat(outside).st_mtime),
                             'seed %d, number %d' % (SEED, number))

    def plant(self, choose, place, outside):
        """Put something else in the place of an object, or of its shard."""
        if choose.random() < 0.3:
            place = os.path.dirname(place)
        elif not os.path.isdir(os.path.dirname(place)):
            return
        if os.path.lexists(place):
            return
        choose.choice([
            lambda: os.symlink(outside, place), lambda: os.symlink('missing', place),
            lambda: os.symlink(place, place), lambda: os.symlink('/dev/zero', place),
            lambda: os.mkfifo(place), lambda: os.mkdir(place),
            lambda: open(place, 'w').close()])()


@unittest.skipUnless(hypothesis, 'hypothesis needs Python 3')
class PropertyTest(RootTestCase):

    settings = {'durable': False}

    def check(self, strategy, test):
        """Try `test(value)` with many values of `strategy`, the same ones each time."""
        run = hypothesis.given(strategy)(test)
        hypothesis.settings(max_examples=EXAMPLES, derandomize=True, deadline=None,
                            database=None)(run)()

    def refuses(self, module_data):
        for error in attack(self.storage, module_data):
            self.assertTrue(isinstance(error, InvalidModuleData), repr(error))
        self.assertEqual([], os.listdir(self.root))

    def json_values(self):
        leaves = (strategies.none() | strategies.booleans() | strategies.integers()
                  | strategies.floats() | strategies.text())
        return strategies.recursive(leaves, lambda inner: strategies.lists(inner)
                                    | strategies.dictionaries(strategies.text(), inner))

    def test_any_text(self):
        self.check(strategies.text(), self.refuses)

    def test_any_value(self):
        self.check(self.json_values() | strategies.binary(), self.refuses)

    def test_any_json(self):
        self.check(self.json_values().map(json.dumps), self.refuses)

    def test_any_path(self):
        self.check(strategies.text().map(lambda path: json.dumps({'path': path})), self.refuses)

    def test_almost_a_path(self):
        almost = strategies.from_regex('[0-9a-f]{2,4}[/.]{1,2}[0-9a-f]{31,33}', fullmatch=True)
        almost = almost.filter(lambda path: not (path[3] == '/' and len(path) == 36))
        self.check(almost.map(lambda path: json.dumps({'path': path})), self.refuses)

    def test_any_stream(self):
        """Reads of any kind and order: the object is all bytes up to the end, or there is none."""
        read = (strategies.binary() | strategies.text() | strategies.none() | strategies.integers()
                | strategies.just(OSError('broken')) | strategies.just(StopIteration())
                | strategies.just(KeyboardInterrupt()))

        def stores(reads):
            module_data = self.storage.new_data(None)
            stream = mock.Mock(read=mock.Mock(side_effect=reads + [b'']))
            good = [one for one in reads if isinstance(one, bytes)]
            try:
                self.storage.assign(None, module_data, stream)
            except (OSError, TypeError, StopIteration, KeyboardInterrupt):
                self.assertFalse(self.storage.available(None, module_data))
            else:
                end = (reads + [b'']).index(b'')
                self.assertEqual(b''.join(reads[:end]), self.get(module_data))
                self.assertEqual(reads[:end], good[:end])
            self.assertEqual([], self.temporaries())
        self.check(strategies.lists(read, max_size=5), stores)

    def test_any_seek_and_read_of_a_reader(self):
        content = bytes(bytearray(range(256))) * 20
        module_data = self.put(content)

        def reads(ranges):
            with self.storage.get_read_stream(None, module_data) as stream:
                for start, size in ranges:
                    stream.seek(start)
                    self.assertEqual(content[start:start + size], stream.read(size))
        number = strategies.integers(min_value=0, max_value=6000)
        self.check(strategies.lists(strategies.tuples(number, number)), reads)


@unittest.skipUnless(hasattr(sys, 'addaudithook'), 'audit hooks need Python 3.8')
class AuditTest(RootTestCase):
    """Python itself tells every path that is opened, made, changed or removed."""

    program = '''
import os, random, sys
from mezeo_fsstore import FilesystemStorage
from tests import Stream
from tests.faults.test_hostile import SEED, attack, mutations
root = sys.argv[1]
storage = FilesystemStorage(root=root, durable=True)
victim = storage.put(None, Stream(b"victim"))
attack(storage, victim)
seen, outside = set(), []

def audit(event, arguments):
    if event == "open" or event.split(".")[0] in ("os", "shutil", "subprocess", "socket", "ctypes"):
        seen.add(event)
        # What follows the file of an attribute is the attribute's name and value.
        for path in arguments[:1] if event.endswith("xattr") else arguments:
            if isinstance(path, (str, bytes)):
                path = os.fsdecode(path)
                if path.startswith("/") or "." in path or "/" in path:
                    if not os.path.normpath(path).startswith(root):
                        outside.append((event, path))

sys.addaudithook(audit)
choose = random.Random(SEED)
for number in range(500):
    attack(storage, mutations(choose, victim))
    attack(storage, mutations(choose, '{"path": "../../../../etc/passwd"}'))
    attack(storage, '{"path": "%03x/%032x"}' % (number % 5, number))
    storage.statistics(None)
print(sorted(seen))
print(outside[:5])
'''

    def test_no_path_outside_of_the_root_is_ever_opened_made_or_removed(self):
        status, output, errors = run_python('-c', self.program, self.root)
        self.assertEqual((0, b''), (status, errors))
        seen, outside = output.decode('utf-8').splitlines()
        self.assertEqual('[]', outside)
        for event in ('open', 'os.mkdir', 'os.remove', 'os.rename'):
            self.assertTrue(repr(event) in seen, 'the audit does not see %s' % event)


class BoundedTest(RootTestCase):

    def test_a_huge_module_data_costs_nothing(self):
        for huge in (' ' * 10 ** 8, '[' * 10 ** 8, '{"path": "' + '0' * 10 ** 8 + '"}'):
            with mock.patch('json.loads', side_effect=AssertionError('it is parsed')):
                error = self.raised(InvalidModuleData, self.storage.get_size, None, huge)
            self.assertTrue(len(str(error)) < 700)

    def test_a_stream_that_returns_more_than_it_was_asked_for_is_stored_whole(self):
        stream = mock.Mock(read=mock.Mock(side_effect=[b'x' * 3000000, b'y', b'']))
        self.assertEqual(3000001, self.storage.get_size(None, self.storage.put(None, stream)))
