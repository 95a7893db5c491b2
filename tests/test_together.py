"""Many threads and processes over one root."""

import multiprocessing
import random
import threading

from tests import Stream, content
from tests.support import RootTestCase

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


def put_many(storage, results):
    for _ in range(50):
        size = random.SystemRandom().randrange(20000)
        results.put((storage.put(None, Stream(content(size))), size))
