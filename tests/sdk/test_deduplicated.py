"""The example `DeduplicatedStorage`: a storage module, and what it promises beyond."""

import errno
import fcntl
import multiprocessing
import os
import random
import shutil
import tempfile

from tests import Stream, StreamError, content
from tests.examples import deduplicated as example
from tests.examples.deduplicated import DeduplicatedStorage
from tests.kit.memory import MemoryStorage
from tests.kit.together import Question
from tests.sdk.stacked_modules import FILES, SIMPLE, LayerCase, deduplicated, encrypted
from tests.sdk.test_encrypted import needs_cryptography
from tests.support import mock, unittest
from mezeo_fsstore import FilesystemStorage

SEED = 20120601


class DeduplicatedCase(LayerCase):
    """The kit; what lies in the files is there once."""

    deleteOfMissingRaises = False
    readersOutliveDelete = readersOutliveAssign = True

    def compareWrittenData(self, module_data, data):
        self._expectContent(module_data, data, 'a deduplicated object')
        self.assertEqual(1, self.stored_files().count(data))


class OverSimpleTest(DeduplicatedCase, unittest.TestCase):
    layers = [('Simple', SIMPLE), ('Deduplicated', deduplicated('Simple'))]


class OverFilesTest(DeduplicatedCase, unittest.TestCase):
    layers = [('Files', FILES), ('Deduplicated', deduplicated('Files'))]


@needs_cryptography
class OverEncryptedTest(DeduplicatedCase, unittest.TestCase):
    layers = [('Files', FILES), ('Encrypted', encrypted('Files')),
              ('Deduplicated', deduplicated('Encrypted'))]

    def compareWrittenData(self, module_data, data):
        self._expectContent(module_data, data, 'an encrypted, deduplicated object')


class IndexCase(unittest.TestCase):
    """A test with a module over `self.below`, and a look at its index."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='deduplicated-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.below = self.make_below()
        self.context = {'func': {'getModule': {'below': self.below}.__getitem__}}
        self.storage = self.make()

    def make_below(self):
        return MemoryStorage()

    def make(self, durable='false'):
        return DeduplicatedStorage(module='below', index=self.folder, durable=durable)

    def put(self, data):
        return self.storage.put(self.context, Stream(data))

    def assign(self, module_data, data):
        self.storage.assign(self.context, module_data, Stream(data))

    def delete(self, module_data):
        self.storage.delete(self.context, module_data)

    def get(self, module_data):
        stream = self.storage.get_read_stream(self.context, module_data)
        try:
            return stream.read()
        finally:
            stream.close()

    def names(self, part):
        return os.listdir(os.path.join(self.folder, part))

    def assert_index(self, contents, references):
        """So many of each, and nothing pending."""
        self.assertEqual((contents, references, 0),
                         tuple(len(self.names(part)) for part in example.PARTS))


class DeduplicationTest(IndexCase):

    def test_equal_contents_are_stored_once_until_the_last_is_deleted(self):
        made = [self.put(content(1000)) for _ in range(5)] + [self.put(b'other')]
        self.assertEqual(2, len(self.below.objects))
        self.assert_index(2, 6)
        for module_data in made[:4]:
            self.delete(module_data)
            self.assertEqual(content(1000), self.get(made[4]))
        self.delete(made[4])
        self.assertEqual([b'other'], list(self.below.objects.values()))
        self.delete(made[5])
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_a_replaced_object_lets_go_of_its_content(self):
        one, two = self.put(b'shared'), self.put(b'shared')
        for data in (b'of its own', b'of its own', b'shared', b'shared', b'', b'last'):
            self.assign(one, data)
            self.assertEqual((data, b'shared'), (self.get(one), self.get(two)))
            self.assertEqual(sorted(set([data, b'shared'])), sorted(self.below.objects.values()))
            self.assert_index(len(set([data, b'shared'])), 2)

    def test_a_content_that_comes_back_is_stored_again(self):
        for _ in range(3):
            module_data = self.put(b'content')
            self.delete(module_data)
            self.assertEqual({}, self.below.objects)
        self.assertEqual(b'content', self.get(self.put(b'content')))

    def test_a_content_that_was_lost_below_serves_for_no_other(self):
        lost = self.put(b'content')
        self.below.objects.clear()
        self.assertFalse(self.storage.available(self.context, lost))
        module_data = self.put(b'content')
        self.assertEqual(b'content', self.get(module_data))
        # The platform copies what is not available here.
        self.assign(lost, b'content')
        self.assertEqual(b'content', self.get(lost))
        self.assertEqual(1, len(self.below.objects))
        self.delete(lost)
        self.delete(module_data)
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_a_filesystem_that_allows_few_names_makes_more_copies(self):
        link = os.link

        def limited(source, target):
            if os.stat(source).st_nlink >= 4:
                raise OSError(errno.EMLINK, 'too many links')
            link(source, target)
        with mock.patch('os.link', limited):
            made = [self.put(b'content') for _ in range(10)]
            self.assertTrue(2 <= len(self.below.objects) <= 5, self.below.objects)
            for module_data in made[:5]:
                self.assign(module_data, b'content')
            for module_data in made:
                self.assertEqual(b'content', self.get(module_data))
            for module_data in made:
                self.delete(module_data)
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_a_reader_that_meets_a_replacement_gets_the_new_content(self):
        module_data, read = self.put(b'first'), self.below.get_read_stream

        def replaced(context, name):
            self.below.get_read_stream = read
            self.assign(module_data, b'second')
            return read(context, name)
        self.below.get_read_stream = replaced
        self.assertEqual(b'second', self.get(module_data))

    def test_available_that_meets_a_replacement_is_true(self):
        module_data, available = self.put(b'first'), self.below.available

        def replaced(context, name):
            self.below.available = available
            self.assign(module_data, b'second')
            return available(context, name)
        self.below.available = replaced
        self.assertTrue(self.storage.available(self.context, module_data) is True)

    def test_an_error_below_is_passed_on_and_not_taken_for_missing(self):
        module_data = self.put(b'content')
        with mock.patch.object(self.below, 'get_read_stream', side_effect=IOError(errno.EIO, 'x')):
            try:
                self.get(module_data)
            except IOError as error:
                self.assertEqual(errno.EIO, error.errno)
            else:
                self.fail('no error')
        with mock.patch.object(self.below, 'delete', side_effect=IOError(errno.EIO, 'x')):
            self.assertRaises(IOError, self.delete, module_data)
        # The object is gone; its content is found by `sweep`.
        self.delete(module_data)
        self.assertEqual(1, len(self.below.objects))
        self.assertEqual(1, self.storage.sweep(self.context))
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_what_can_not_be_destroyed_does_not_fail_an_assign(self):
        one = self.put(b'content')
        with mock.patch.object(self.below, 'delete', side_effect=IOError(errno.EIO, 'x')):
            two = self.put(b'content')
            self.assign(one, b'other')
        self.assertEqual((b'other', b'content'), (self.get(one), self.get(two)))
        self.assertEqual(1, self.storage.sweep(self.context))
        self.assertEqual(2, len(self.below.objects))
        self.assert_index(2, 2)

    def test_a_broken_stream_leaves_nothing_to_sweep(self):
        self.assertRaises(StreamError, self.storage.put, self.context,
                          Stream(b'part', None, StreamError))
        self.assert_index(0, 0)
        self.assertEqual(0, self.storage.sweep(self.context))

    def test_a_module_below_that_raises_for_missing_objects_does_as_well(self):
        def delete(context, module_data):
            del self.below.objects[module_data]
        self.below.delete = delete
        self.assertRaises(StreamError, self.storage.put, self.context,
                          Stream(b'part', None, StreamError))
        self.delete(self.put(b'content'))
        self.assert_index(0, 0)

    def test_sweep_leaves_alone_what_is_being_stored(self):
        class Sweeping(Stream):
            def read(stream, size=-1):
                swept.append(self.storage.sweep(self.context))
                return super(Sweeping, stream).read(size)
        swept = []
        module_data = self.storage.put(self.context, Sweeping(b'content'))
        self.assertEqual(b'content', self.get(module_data))
        self.assertEqual([0] * len(swept), swept)

    def test_the_index_reaches_the_disk_before_a_content_is_destroyed(self):
        events, fsync, delete = [], os.fsync, self.below.delete
        self.storage = self.make(durable='true')
        module_data = self.put(b'first')

        def synced(fd):
            events.append('sync')
            fsync(fd)

        def deleted(context, name):
            events.append('delete')
            delete(context, name)
        self.below.delete = deleted
        with mock.patch('os.fsync', synced):
            self.assign(module_data, b'second')
            self.delete(module_data)
        self.assertEqual(2, events.count('delete'))
        self.assertEqual(['sync'] * 3, events[events.index('delete') - 3:events.index('delete')])
        self.assertEqual(['sync'] * 3 + ['delete'], events[-4:])

    def test_changes_wait_for_the_lock_of_the_index(self):
        module_data = self.put(b'content')
        for change in (lambda: self.assign(module_data, b'other'),
                       lambda: self.delete(module_data),
                       lambda: self.storage.sweep(self.context)):
            with self.storage._index.locked():
                question = Question(change)
                # Long enough for what does not wait; what does would wait for ever.
                self.assertFalse(question.wait(0.1))
            self.assertTrue(question.wait(60))
            self.assertTrue(question.error is None, question.error)

    def test_a_full_disk_under_the_index_leaves_nothing(self):
        for write in (mock.Mock(side_effect=OSError(errno.ENOSPC, 'full')),
                      mock.Mock(return_value=1)):
            with mock.patch('os.write', write):
                self.assertRaises(EnvironmentError, self.put, b'content')
            self.assertEqual({}, self.below.objects)
            self.assert_index(0, 0)

    def test_an_object_that_changes_all_the_time_is_an_error_in_the_end(self):
        module_data, number = self.put(b'first'), [0]

        def replaced(context, name):
            number[0] += 1
            self.assign(module_data, content(number[0]))
            raise KeyError(name)
        self.below.get_read_stream = replaced
        try:
            self.get(module_data)
        except EnvironmentError as error:
            self.assertEqual(errno.EAGAIN, error.errno)
        else:
            self.fail('it was read')

    def test_unusable_arguments_are_refused(self):
        for arguments in ({'index': self.folder}, {'module': 'below'},
                          {'module': 'below', 'index': 'relative'}):
            self.assertRaises(ValueError, DeduplicatedStorage, **arguments)
        self.assertRaises(EnvironmentError, DeduplicatedStorage, module='below',
                          index=os.path.join(self.folder, 'missing'))


class FilesCase(IndexCase):
    """Files below, in `self.store`, which processes can share."""

    def make_below(self):
        self.store = os.path.join(self.folder, 'store')
        os.mkdir(self.store)
        return FilesystemStorage(root=self.store, durable=False)


class KilledTest(FilesCase):
    """A process that is killed between any two steps loses nothing that is referred to."""

    def kept(self):
        """Return the contents that lie below, in order."""
        found = []
        for folder, _, names in os.walk(self.store):
            # A temporary that a killed writer leaves is for the module below to sweep.
            for name in [name for name in names if not name.startswith('.')]:
                with open(os.path.join(folder, name), 'rb') as stored:
                    found.append(stored.read())
        return sorted(found)

    def die_at(self, step, call):
        """Run `call` in a process that dies at its `step`-th step; return whether it did."""
        process = os.fork()
        if process:
            status = os.waitpid(process, 0)[1]
            self.assertTrue(status in (0, 7 << 8), status)
            return status != 0
        try:
            left = [step]

            def dying(function):
                def counted(*arguments, **options):
                    if not left[0]:
                        os._exit(7)
                    left[0] -= 1
                    return function(*arguments, **options)
                return counted
            for owner, name in ((os, 'link'), (os, 'rename'), (os, 'unlink'), (os, 'write'),
                                (self.below, 'assign'), (self.below, 'delete'),
                                (fcntl, 'flock'), (example, '_open')):
                setattr(owner, name, dying(getattr(owner, name)))
            call()
            os._exit(0)
        finally:
            os._exit(1)

    def assert_killed_anywhere(self, prepare, call, before, after):
        """For each step at which `call` dies, the objects are as before or as after it.

        `prepare` returns the objects; `before` and `after` are their contents, None for none.
        """
        step = 0
        while True:
            objects = prepare()
            died = self.die_at(step, lambda: call(objects))
            found = [self.get(module_data) if self.storage.available(self.context, module_data)
                     else None for module_data in objects]
            self.assertTrue(found in (before, after), 'killed at step %d: %r' % (step, found))
            self.storage.sweep(self.context)
            self.assertEqual(sorted(set(data for data in found if data is not None)), self.kept(),
                             'killed at step %d' % step)
            self.assertEqual(found, [None if data is None else self.get(module_data)
                                     for module_data, data in zip(objects, found)])
            self.assertEqual([], self.names('pending'))
            for module_data in objects:
                self.delete(module_data)
            self.assertEqual([], self.kept())
            if not died:
                return self.assertTrue(found == after and step > 2, step)
            step += 1

    def new(self):
        return self.storage.new_data(self.context)

    def test_while_it_stores_a_new_content(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'other'), self.new()],
            lambda objects: self.assign(objects[1], b'content'),
            [b'other', None], [b'other', b'content'])

    def test_while_it_stores_a_known_content(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'content'), self.new()],
            lambda objects: self.assign(objects[1], b'content'),
            [b'content', None], [b'content', b'content'])

    def test_while_it_replaces_a_content_of_its_own(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'other'), self.put(b'first')],
            lambda objects: self.assign(objects[1], b'second'),
            [b'other', b'first'], [b'other', b'second'])

    def test_while_it_replaces_a_shared_content_by_a_shared_one(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'one'), self.put(b'two'), self.put(b'one')],
            lambda objects: self.assign(objects[2], b'two'),
            [b'one', b'two', b'one'], [b'one', b'two', b'two'])

    def test_while_it_replaces_a_content_by_the_same(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'same'), self.put(b'same')],
            lambda objects: self.assign(objects[1], b'same'),
            [b'same', b'same'], [b'same', b'same'])

    def test_while_it_deletes_the_last_object_of_a_content(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'other'), self.put(b'content')],
            lambda objects: self.delete(objects[1]),
            [b'other', b'content'], [b'other', None])

    def test_while_it_deletes_one_of_several(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'content'), self.put(b'content')],
            lambda objects: self.delete(objects[1]),
            [b'content', b'content'], [b'content', None])

    def test_while_it_sweeps(self):
        for first in (4, 5, 7, 8):
            def prepare():
                objects = [self.put(b'content'), self.put(b'other')]
                self.assertTrue(self.die_at(first, lambda: self.delete(objects[1])))
                return objects
            self.assert_killed_anywhere(
                prepare, lambda objects: self.storage.sweep(self.context),
                [b'content', None], [b'content', None])


class TogetherTest(FilesCase):

    def test_processes_share_contents_and_lose_none(self):
        contents = [bytes(bytearray([65 + index])) * (5000 + index) for index in range(3)]
        shared = [self.storage.new_data(self.context) for _ in range(3)]
        results = multiprocessing.Queue()
        processes = [multiprocessing.Process(target=self.work, args=(number, shared, contents,
                                                                     results))
                     for number in range(4)]
        for process in processes:
            process.start()
        outcomes = [results.get() for _ in processes]
        for process in processes:
            process.join()
        results.close()
        results.join_thread()
        self.assertEqual([''] * 4, [problem for _, problem in outcomes])
        for own, _ in outcomes:
            for module_data in own:
                self.assertTrue(self.get(module_data) == contents[own[module_data]],
                                'an object of one process only (seed %d)' % SEED)
        alive = [module_data for module_data in shared
                 if self.storage.available(self.context, module_data)]
        everything = alive + [module_data for own, _ in outcomes for module_data in own]
        distinct = set(self.get(module_data) for module_data in everything)
        self.assertTrue(distinct <= set(contents))
        self.assertEqual(0, self.storage.sweep(self.context))
        self.assertEqual(len(distinct), sum(len(names) for _, _, names in os.walk(self.store)))
        for module_data in everything:
            self.delete(module_data)
        self.assert_index(0, 0)
        self.assertEqual(0, sum(len(names) for _, _, names in os.walk(self.store)))

    def work(self, number, shared, contents, results):
        """Assign, delete and read, by a schedule of its own; report the objects it still has."""
        choose, own, problem = random.Random(SEED + number), {}, ''
        try:
            for _ in range(60):
                self.step(choose, own, shared, contents)
        except BaseException as error:
            problem = '%r (seed %d)' % (error, SEED + number)
        results.put((own, problem))

    def step(self, choose, own, shared, contents):
        index, action = choose.randrange(len(contents)), choose.random()
        if action < 0.25:
            own[self.put(contents[index])] = index
        elif action < 0.4 and own:
            module_data = choose.choice(sorted(own))
            del own[module_data]
            self.delete(module_data)
        elif action < 0.6:
            self.assign(choose.choice(shared), contents[index])
        elif action < 0.7:
            self.delete(choose.choice(shared))
        elif action < 0.75:
            self.storage.sweep(self.context)
        elif action < 0.9 and own:
            module_data = choose.choice(sorted(own))
            self.assertTrue(self.get(module_data) == contents[own[module_data]])
        else:
            try:
                self.assertTrue(self.get(choose.choice(shared)) in contents)
            except EnvironmentError as error:
                self.assertEqual(errno.ENOENT, error.errno)
