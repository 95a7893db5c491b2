"""Months in one process: calls of every kind from many threads, and nothing grows."""

import gc
import os
import random
import re
import threading

from tests import Stream, StreamError
from tests.support import SOAK, RootTestCase, open_descriptors, unittest

SEED = 20120603
CALLS = 1000000 if SOAK else 20000
THREADS = 8


@unittest.skipUnless(os.path.exists('/proc/self/status'), 'there is no /proc to tell the memory')
class MonthsTest(RootTestCase):

    settings = {'durable': False}

    def test_memory_and_descriptors_stay_flat(self):
        self.run_threads(CALLS // 10)
        descriptors, threads, memory = open_descriptors(), threading.active_count(), resident()
        self.run_threads(CALLS)
        self.assertEqual(descriptors, open_descriptors())
        self.assertEqual(threads, threading.active_count())
        grown = resident() - memory
        self.assertTrue(grown < 2048, 'grown by %d KiB in %d calls, seed %d'
                        % (grown, CALLS, SEED))

    def run_threads(self, calls):
        failures = []

        def run(number):
            try:
                self.live(random.Random(SEED + number), calls // THREADS)
            except Exception as error:
                failures.append(error)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures, 'seed %d' % SEED)
        gc.collect()

    def live(self, choose, calls):
        """Make so many calls: mostly reads, as on a platform."""
        storage = self.storage
        made = [storage.put(None, Stream(b'content'))]
        missing = storage.new_data(None)
        reads = [
            lambda: storage.available(None, choose.choice(made)),
            lambda: storage.get_size(None, choose.choice(made)),
            lambda: storage.get_read_stream(None, choose.choice(made)).close(),
            lambda: storage.available(None, missing),
            lambda: storage.statistics(None),
            lambda: self.assertRaises(EnvironmentError, storage.get_read_stream, None, missing),
            lambda: self.assertRaises(ValueError, storage.get_size, None, '{}')]
        writes = [
            lambda: made.append(storage.put(None, Stream(b'content'))),
            lambda: len(made) > 1 and storage.delete(None, made.pop()),
            lambda: storage.assign(None, choose.choice(made), Stream(b'other')),
            lambda: self.assertRaises(StreamError, storage.put, None,
                                      Stream(b'x', None, StreamError))]
        for _ in range(calls):
            choose.choice(writes if choose.random() < 0.1 else reads)()
        for module_data in made:
            storage.delete(None, module_data)


def resident():
    """Return the memory of this process, in KiB."""
    with open('/proc/self/status') as status:
        return int(re.search(r'VmRSS:\s*([0-9]+) kB', status.read()).group(1))
