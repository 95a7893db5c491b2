"""What nodes that share a volume are promised, whatever the volume: tests for the suite of each.

A suite mixes `SharedVolume` into a class of its own, below `VolumeCase`.
"""

import errno
import hashlib
import multiprocessing
import os
import random
import re
import signal
import sys

from mezeo_fsstore import FilesystemStorage, StorageUnavailable
from mezeo_fsstore.admin import inventory
from tests import Stream, content
from tests.faults.test_killed import is_whole, signed
from tests.kit.streams import WatchedStream
from tests.support import PROJECT, SOAK, entries_of, environment, mark, path_in, unittest

SEED = 20120603
SIZES = (0, 1, 4096, 65536, 131073, 3 * 1024 * 1024 + 1)
ROUNDS = 10


class VolumeCase(unittest.TestCase):
    """Tests over one volume, `self.volume`, for all of the class; each has a root of its own on it.

    `self.nodes` are the roots as two nodes see it, `self.first` and `self.second` modules there, of
    the class `self.module`. `system` is what starts the volume: a module with `missing`, `Cluster`.
    """

    system = None
    module = FilesystemStorage
    # The errors with which a call may fail while other nodes replace the object.
    errors_while_replaced = ()

    @classmethod
    def setUpClass(cls):
        cause = cls.system.missing() if SOAK else 'it takes long: MEZEO_FSSTORE_SOAK=1 runs it'
        # Not of the class: the nose of Python 2 would set it up all the same.
        if cause:
            raise unittest.SkipTest(cause)
        cls.cluster = cls.system.Cluster()
        try:
            cls.volume = cls.make_volume()
            cls.mounts = [cls.volume.mount(node) for node in ('first', 'second')]
        except:
            cls.cluster.stop()
            raise

    @classmethod
    def make_volume(cls):
        """Return what has `mount`, `unmount`, `kill_node` and `folder` of a node."""
        return cls.cluster

    @classmethod
    def tearDownClass(cls):
        cls.cluster.stop()

    def setUp(self):
        self.make_root(self._testMethodName)

    def make_root(self, name):
        """Give the test a new root, empty."""
        self.name = name
        self.nodes = [os.path.join(mount, name) for mount in self.mounts]
        os.mkdir(self.nodes[0])
        self.first, self.second = self.modules()

    def modules(self, **settings):
        return [self.module(root=root, **settings) for root in self.nodes]

    def in_machine(self, node):
        """Return the root as a node sees it, in the machine of the volume."""
        return '%s/%s' % (self.volume.folder(node), self.name)

    def run_command(self, *arguments):
        """Run `python -m mezeo_fsstore` on the machine of the volume; return its output."""
        return self.cluster.machine.run(sys.executable, '-m', 'mezeo_fsstore', *arguments,
                                        env=environment(PROJECT))

    def acknowledged(self, load):
        """Return what must be there once `load` is over, none of which has failed."""
        expected, failures = load.outcome()
        self.assertEqual([], failures, 'seed %d' % SEED)
        return expected

    def error_of(self, call, *arguments):
        """Return the number of the system's error that the call raises."""
        try:
            call(*arguments)
        except EnvironmentError as error:
            return error.errno
        self.fail('nothing was raised')


class SharedVolume(object):
    """A mixin of test cases: what two nodes see of each other, and when a mount is lost."""

    def assert_same_everywhere(self, expected):
        """Both nodes hold these objects, whole, and nothing else.

        `expected` has the digest of each object's content by its module_data.
        """
        paths = sorted(path_in(module_data) for module_data in expected)
        for root, storage in zip(self.nodes, self.modules()):
            found = list(entries_of(root))
            self.assertEqual([], [entry for entry in found if entry.kind != inventory.OBJECT],
                             'left behind')
            self.assertEqual(paths, sorted(entry.path for entry in found))
            for module_data in expected:
                self.assertEqual(expected[module_data], digest(get(storage, module_data)))

    def test_what_one_node_writes_the_other_has_whole_at_once(self):
        for durable in (True, False):
            here, there = self.modules(durable=durable)
            for size in SIZES:
                here, there = there, here
                module_data = here.new_data(None)
                self.assertFalse(there.available(None, module_data))
                here.assign(None, module_data, Stream(content(size)))
                self.assertTrue(there.available(None, module_data), 'not seen at once')
                self.assertEqual(size, there.get_size(None, module_data))
                self.assertTrue(content(size) == get(there, module_data))
                with there.get_read_stream(None, module_data) as stream:
                    stream.seek(size // 2)
                    self.assertEqual(content(size)[size // 2:size // 2 + 1000], stream.read(1000))

    def test_the_other_node_sees_nothing_of_an_upload_until_its_end(self):
        module_data = self.first.new_data(None)

        def look_for_nothing(position):
            self.assertFalse(self.second.available(None, module_data), 'seen in part')
            self.assertEqual(errno.ENOENT, self.error_of(self.second.get_size, None, module_data))

        def look_for_the_old(position):
            self.assertTrue(content(100000) == get(self.second, module_data), 'replaced in part')

        for look, size, first in ((look_for_nothing, 100000, 0), (look_for_the_old, 100001, 7)):
            self.first.assign(None, module_data,
                              WatchedStream(content(size, first), 30000, look))
            self.assertTrue(content(size, first) == get(self.second, module_data))

    def test_what_one_node_replaces_or_deletes_the_other_sees_at_once(self):
        """Whatever it was asked last, and so might have kept."""
        questions = (
            (lambda storage, module_data: storage.get_size(None, module_data), len),
            (get, bytes),
            (lambda storage, module_data: storage.available(None, module_data), bool))
        choose = random.Random(SEED)
        for size in (10, 100000):
            for number in range(ROUNDS):
                module_data = self.first.put(None, Stream(content(size)))
                for replaced in range(5):
                    choose.choice(questions)[0](self.second, module_data)
                    data = content(size + replaced, first=replaced)
                    self.first.assign(None, module_data, Stream(data))
                    ask, of = choose.choice(questions)
                    self.assertTrue(of(data) == ask(self.second, module_data),
                                    'not as replaced: seed %d, round %d' % (SEED, number))
                choose.choice(questions)[0](self.second, module_data)
                self.first.delete(None, module_data)
                self.assertFalse(self.second.available(None, module_data))
                for ask, _ in questions[:2]:
                    self.assertEqual(errno.ENOENT, self.error_of(ask, self.second, module_data))
        self.assert_same_everywhere({})

    def test_a_reader_keeps_its_content_while_the_other_node_replaces_and_deletes(self):
        for size in (10, 100000, 1000000):
            for _ in range(ROUNDS):
                module_data = self.first.put(None, Stream(content(size)))
                with self.second.get_read_stream(None, module_data) as one:
                    self.first.assign(None, module_data, Stream(content(size, first=7)))
                    with self.second.get_read_stream(None, module_data) as other:
                        self.first.delete(None, module_data)
                        for reader, first in ((one, 0), (other, 7)):
                            self.assertTrue(content(size, first) == reader.read(),
                                            'changed under a reader')

    def test_of_two_nodes_that_write_one_object_one_wins_whole(self):
        module_data = self.first.put(None, Stream(b'0'))
        contents = [b'0', b'1' * 300000, b'2' * 300001]
        writers = run_together(self, write_often, *[
            (storage, module_data, one) for storage, one in zip(self.modules(), contents[1:])])
        read = 0
        while is_any_alive(writers):
            for storage in (self.first, self.second):
                try:
                    self.assertTrue(storage.available(None, module_data))
                    found = get(storage, module_data)
                except EnvironmentError as error:
                    self.assertTrue(error.errno in self.errors_while_replaced, repr(error))
                else:
                    self.assertTrue(found in contents, 'a mixture of %d bytes' % len(found))
                    read += 1
        self.assertNotEqual(0, read)
        for writer in writers:
            writer.join()
        self.assertEqual([0] * 2, [writer.exitcode for writer in writers])
        last = get(self.first, module_data)
        self.assertTrue(last in contents[1:])
        self.assert_same_everywhere({module_data: digest(last)})

    def test_nodes_that_make_the_same_directories_at_once_both_succeed(self):
        shards, writers = ['%03x' % number for number in range(50)], ('1' * 32, '2' * 32)
        processes = run_together(self, put_into, *[
            (storage, shards, name) for storage, name in zip(self.modules(), writers)])
        for process in processes:
            process.join()
        self.assertEqual([0] * 2, [process.exitcode for process in processes])
        self.assert_same_everywhere(dict(
            ('{"path": "%s/%s"}' % (shard, name), digest(name.encode('ascii')))
            for shard in shards for name in writers))

    def watch(self, lasts):
        """While `lasts()`, read all that both nodes list, and find nothing but whole objects."""
        while lasts():
            for root, storage in zip(self.nodes, (self.first, self.second)):
                self.assert_nothing_partial(entries_of(root), storage)

    def assert_nothing_partial(self, entries, storage):
        for entry in entries:
            self.assertNotEqual(inventory.FOREIGN, entry.kind, entry.path)
            if entry.kind == inventory.OBJECT:
                try:
                    found = get(storage, '{"path": "%s"}' % entry.path)
                except EnvironmentError as error:
                    self.assertEqual(errno.ENOENT, error.errno)  # deleted since
                else:
                    self.assertTrue(is_whole(found), 'in part: ' + entry.path)

    def test_a_node_that_has_lost_its_mount_refuses_until_it_is_back(self):
        root_id = mark(self.nodes[0])
        mount = self.volume.mount('third')
        root = os.path.join(mount, self.name)
        third = FilesystemStorage(root=root, root_id=root_id)
        module_data = third.put(None, Stream(b'content'))
        self.volume.unmount('third')
        # As where an administrator, or a script of his, has made the folder anew.
        os.mkdir(root)
        calls = [(third.available, module_data), (third.get_read_stream, module_data),
                 (third.get_size, module_data), (third.delete, module_data),
                 (third.put, Stream(b'never stored'))]
        for call, argument in calls:
            self.assertRaises(StorageUnavailable, call, None, argument)
        os.rmdir(root)
        for call, argument in calls:
            self.assertRaises(StorageUnavailable, call, None, argument)
        self.volume.mount('third')
        self.assertTrue(third.available(None, module_data))
        self.assertEqual(b'content', get(third, module_data))
        self.volume.unmount('third')

    def test_a_node_whose_mount_has_died_calls_nothing_missing(self):
        root = os.path.join(self.volume.mount('fourth'), self.name)
        fourth = FilesystemStorage(root=root)
        module_data = fourth.put(None, Stream(b'content'))
        self.volume.kill_node('fourth')
        for call in (fourth.available, fourth.get_read_stream, fourth.get_size, fourth.delete):
            self.assertEqual(errno.ENOTCONN, self.error_of(call, None, module_data))
        self.assertEqual(errno.ENOTCONN, self.error_of(fourth.put, None, Stream(b'never stored')))
        with self.assertRaises(RuntimeError) as failure:
            self.run_command('df', self.volume.folder('fourth'))
        self.assertTrue('mount it again' in str(failure.exception), failure.exception)
        self.volume.unmount('fourth')
        self.volume.mount('fourth')
        self.assertEqual(b'content', get(fourth, module_data))

    def test_the_examination_finds_all_well(self):
        report = self.run_command('check', self.in_machine('first'))
        # Of a filesystem in the hands of a program it can't be told whether it syncs directories.
        self.assertTrue(
            re.search('^all is well, [0-9] warnings?: see above$', report, re.M), report)


def get(storage, module_data):
    with storage.get_read_stream(None, module_data) as stream:
        return stream.read()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def write_often(storage, module_data, one):
    for _ in range(50):
        storage.assign(None, module_data, Stream(one, most=100000))


def put_into(storage, shards, name):
    for shard in shards:
        storage.assign(None, '{"path": "%s/%s"}' % (shard, name), Stream(name.encode('ascii')))


def run_together(test, target, *calls):
    """Run `target` in a process for each of `calls`, its arguments, until `test` ends at most.

    Return the processes.
    """
    processes = [multiprocessing.Process(target=target, args=call) for call in calls]
    for process in processes:
        process.daemon = True  # it ends with this one, should it wait for ever
        process.start()
        test.addCleanup(_end, process)
    return processes


def _end(process):
    # What waits for a file server is deaf to milder ones.
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def is_any_alive(processes):
    return any(process.is_alive() for process in processes)


# How much a worker of a load does.
STEPS = 80


class Load(object):
    """A process for each of `nodes`, which are pairs of modules as `live` takes them.

    It ends with `test`, if it has not before.
    """

    def __init__(self, test, nodes):
        self._done, self._results = multiprocessing.Value('i', 0), multiprocessing.Queue()
        self._workers = run_together(test, live, *[
            (modules, SEED + number, self._done, self._results)
            for number, modules in enumerate(nodes)])

    def is_below(self, steps):
        """Return whether all of them together have not done so much yet, but still may."""
        return self._done.value < steps and is_any_alive(self._workers)

    def outcome(self):
        """Wait for the end; return the digests of all that must be there, and what went wrong."""
        expected, failures = {}, []
        for _ in self._workers:
            known, failed = self._results.get(True, 120)
            expected.update(known)
            failures.extend(failed)
        for worker in self._workers:
            worker.join()
        return expected, failures


def live(modules, seed, done, results):
    """Store, replace, delete and read objects of one's own; put into `results` what must be there.

    Each change goes through the first of `modules`, each read through the second. Puts the digest
    of each object's content by its module_data, and all that went wrong.
    """
    changing, reading = modules
    choose, known, failures = random.Random(seed), {}, []
    for step in range(STEPS):
        try:
            act(changing, known, choose)
            for module_data in choose.sample(sorted(known), min(3, len(known))):
                if digest(get(reading, module_data)) != known[module_data]:
                    failures.append('step %d: other content' % step)
        except Exception as error:
            failures.append('step %d: %r' % (step, error))
        with done.get_lock():
            done.value += 1
    results.put((known, failures))


def act(storage, known, choose):
    """Change one object, and note in `known` what has been acknowledged."""
    if known and choose.random() < 0.2:
        module_data = choose.choice(sorted(known))
        storage.delete(None, module_data)
        del known[module_data]
        return
    new = not known or choose.random() < 0.6
    module_data = storage.new_data(None) if new else choose.choice(sorted(known))
    data = signed(choose)
    storage.assign(None, module_data, Stream(data, most=50000))
    known[module_data] = digest(data)
