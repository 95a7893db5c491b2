"""Many threads and processes over one root."""

import errno
import multiprocessing
import os
import random
import subprocess
import sys
import threading

from mezeo_fsstore import StorageUnavailable
from tests import Stream, content
from tests.support import PROJECT, RootTestCase, environment, mark

SEED = 20120601


class TogetherTest(RootTestCase):

    settings = {'durable': False}

    def in_threads(self, number, call):
        """Run `call(index)` in so many threads; fail with what any of them raised."""
        failures = []

        def run(index):
            try:
                call(index)
            except Exception as error:
                failures.append(error)
        threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)

    def test_of_writers_of_one_object_one_wins_whole(self):
        module_data = self.storage.new_data(None)
        contents = [bytes(bytearray([65 + index])) * (100000 + index) for index in range(8)]

        def write(index):
            for _ in range(20):
                self.storage.assign(None, module_data, Stream(contents[index], most=30000))
                found = self.get(module_data)
                self.assertTrue(found in contents, 'a mixture of %d bytes' % len(found))

        self.in_threads(8, write)
        self.assertTrue(self.get(module_data) in contents)

    def test_of_processes_that_write_one_object_one_wins_whole(self):
        module_data = self.storage.new_data(None)
        writers = [multiprocessing.Process(target=write_often, args=(self.make(), module_data, one))
                   for one in (b'a' * 300000, b'b' * 300001, b'c')]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            try:
                found = self.get(module_data)
            except EnvironmentError as error:
                self.assertEqual(2, error.errno)
                continue
            self.assertTrue(len(set(found)) == 1 and len(found) in (300000, 300001, 1), len(found))
        for writer in writers:
            writer.join()
        self.assertEqual([0] * 3, [writer.exitcode for writer in writers])
        self.assertTrue(len(self.get(module_data)) in (300000, 300001, 1))

    def test_readers_see_one_whole_content_while_it_is_replaced_and_deleted(self):
        module_data = self.put(b'0' * 50000)
        contents = [bytes(bytearray([48 + digit])) * (50000 + digit) for digit in range(10)]

        def change(index):
            choose = random.Random(SEED + index)
            for _ in range(100):
                if choose.random() < 0.2:
                    self.storage.delete(None, module_data)
                else:
                    self.storage.assign(None, module_data, Stream(choose.choice(contents)))

        def read(index):
            for _ in range(200):
                try:
                    found = self.get(module_data)
                except EnvironmentError as error:
                    self.assertEqual(2, error.errno)
                else:
                    self.assertTrue(found in contents)

        self.in_threads(6, lambda index: (change if index % 2 else read)(index))

    def test_threads_that_make_the_same_shard_at_once_all_succeed(self):
        self.storage = self.make(durable=True)
        for shard in ('000', '111', '222'):
            made = ['{"path": "%s/%s"}' % (shard, '%032x' % index) for index in range(16)]
            self.in_threads(16, lambda index: self.storage.assign(
                None, made[index], Stream(content(index))))
            for index in range(16):
                self.assertEqual(content(index), self.get(made[index]))

    def test_a_root_that_is_swapped_and_back_gets_nothing_of_another(self):
        """As with a volume that is unmounted under a running server, and mounted again."""
        volume = os.path.join(self.folder, 'volume')
        self.storage = self.make(root_id=mark(self.root))
        stored = [[] for _ in range(4)]
        done = threading.Event()

        def write(index):
            if index == 4:
                try:
                    for number in range(100):
                        os.rename(self.root, volume)
                        os.mkdir(self.root)
                        os.rename(self.root, os.path.join(self.folder, 'empty%d' % number))
                        os.rename(volume, self.root)
                finally:
                    done.set()
                return
            while not done.is_set():
                module_data = self.storage.new_data(None)
                try:
                    self.storage.assign(None, module_data, Stream(content(2000)))
                    stored[index].append(module_data)
                except EnvironmentError as error:
                    if error.errno not in (errno.ENOENT, errno.ENODEV):
                        raise
                try:
                    self.storage.available(None, module_data)
                except StorageUnavailable:
                    pass

        self.in_threads(5, write)
        self.assertTrue(sum(stored, []))
        for module_data in sum(stored, []):
            self.assertEqual(content(2000), self.get(module_data))
        # Between the look at the marker and a mkdir there is a moment, so there may be a directory
        # in the place that was not the root; but no object, nor a part of one.
        self.assertEqual([], [name for folder, _, names in os.walk(self.folder)
                              for name in names if not folder.startswith(self.root)])
        # A rename, unlike an unmount, does not wait for who is writing.
        for path in self.temporaries():
            os.unlink(os.path.join(self.root, path))

    def test_children_of_one_process_never_make_the_same_name(self):
        program = ('import os\n'
                   'from mezeo_fsstore import FilesystemStorage\n'
                   'storage = FilesystemStorage(root=%r)\n'
                   'storage.new_data(None)\n'
                   'for _ in range(4):\n'
                   '    os.fork()\n'
                   'made = [storage.new_data(None) + "\\n" for _ in range(50)]\n'
                   'os.write(1, "".join(made).encode("ascii"))\n' % self.root)
        reading, writing = os.pipe()
        process = subprocess.Popen([sys.executable, '-c', program], stdout=writing,
                                   env=environment(PROJECT))
        os.close(writing)
        with os.fdopen(reading, 'rb') as output:
            names = output.read().split(b'\n')[:-1]
        self.assertEqual(0, process.wait())
        self.assertEqual((800, 800), (len(names), len(set(names))))

    def test_processes_share_a_root(self):
        results = multiprocessing.Queue()
        processes = [multiprocessing.Process(target=put_many, args=(self.make(), results))
                     for _ in range(4)]
        for process in processes:
            process.start()
        made = [results.get() for _ in range(4 * 50)]
        for process in processes:
            process.join()
        self.assertEqual([0] * 4, [process.exitcode for process in processes])
        self.assertEqual(200, len(set(module_data for module_data, _ in made)))
        for module_data, size in made:
            self.assertTrue(content(size) == self.get(module_data))
        self.assertEqual(200, len(self.files()))
        results.close()
        results.join_thread()


def write_often(storage, module_data, one):
    for _ in range(50):
        storage.assign(None, module_data, Stream(one, most=100000))


def put_many(storage, results):
    for _ in range(50):
        size = random.SystemRandom().randrange(20000)
        results.put((storage.put(None, Stream(content(size))), size))
