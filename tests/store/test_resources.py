"""A process that lives for months: its memory, its descriptors, and its children's."""

import errno
import os
import subprocess
import sys

from mezeo_fsstore.compat import O_CLOEXEC
from tests import Stream, StreamError
from tests.support import RootTestCase, environment, mock, open_descriptors, run_python

GIBIBYTE = 1024 ** 3


class ResourcesTest(RootTestCase):

    settings = {'durable': False}

    def test_a_stream_of_one_gibibyte_takes_less_than_four_mebibytes(self):
        # Not getrusage: a child starts with the peak of its parent there.
        program = (
            'import re, sys\n'
            'from mezeo_fsstore import FilesystemStorage\n'
            'class Zeros(object):\n'
            '    left = %d\n'
            '    def read(self, size):\n'
            '        size = min(size, self.left)\n'
            '        self.left -= size\n'
            '        return b"\\0" * size\n'
            'def peak():\n'
            '    with open("/proc/self/status") as status:\n'
            '        return int(re.search("VmHWM:\\\\s*([0-9]+) kB", status.read()).group(1))\n'
            'storage = FilesystemStorage(root=%r, durable=False)\n'
            'small = Zeros()\n'
            'small.left = 1\n'
            'storage.delete(None, storage.put(None, small))\n'
            'before = peak()\n'
            'module_data = storage.put(None, Zeros())\n'
            'grown = peak() - before\n'
            'assert storage.get_size(None, module_data) == %d\n'
            'storage.delete(None, module_data)\n'
            'sys.stdout.write(str(grown))\n' % (GIBIBYTE, self.root, GIBIBYTE))
        status, output, errors = run_python('-c', program)
        self.assertEqual((0, b''), (status, errors))
        self.assertTrue(int(output) < 4 * 1024, 'grown by %s KiB' % output)

    def test_no_call_keeps_a_descriptor_failed_ones_included(self):
        module_data, missing = self.put(), self.storage.new_data(None)
        before = open_descriptors()
        for settings in ({'durable': True}, {'durable': False}):
            storage = self.make(**settings)
            for _ in range(20):
                storage.assign(None, module_data, Stream(b'content'))
                storage.available(None, module_data)
                storage.get_size(None, module_data)
                storage.get_read_stream(None, module_data).close()
                storage.statistics(None)
                storage.delete(None, storage.put(None, Stream(b'x')))
                self.raised(StreamError, storage.assign, None, module_data,
                            Stream(b'x', None, StreamError))
                for call in (storage.get_read_stream, storage.get_size):
                    error = self.raised(EnvironmentError, call, None, missing)
                    self.assertEqual(errno.ENOENT, error.errno)
                storage.delete(None, missing)
        self.assertEqual(before, open_descriptors())

    def test_many_calls_leave_the_memory_flat(self):
        program = (
            'import gc, io, sys\n'
            'from mezeo_fsstore import FilesystemStorage\n'
            'storage = FilesystemStorage(root=%r, durable=False)\n'
            'def live(times):\n'
            '    for _ in range(times):\n'
            '        module_data = storage.put(None, io.BytesIO(b"content"))\n'
            '        storage.available(None, module_data)\n'
            '        storage.get_read_stream(None, module_data).close()\n'
            '        storage.delete(None, module_data)\n'
            '    gc.collect()\n'
            '    return len(gc.get_objects())\n'
            'live(50)\n'
            'before = live(50)\n'
            'sys.stdout.write(str(live(1000) - before))\n' % self.root)
        status, output, errors = run_python('-c', program)
        self.assertEqual((0, b''), (status, errors))
        # Anything kept for each call would be a thousand.
        self.assertTrue(int(output) < 100, '%s objects more' % output)

    def test_no_descriptor_reaches_a_child(self):
        module_data, seen = self.put(), []

        def look():
            """Return how many descriptors a child that is started right now inherits."""
            process = subprocess.Popen(
                [sys.executable, '-c', 'import os; print(len(os.listdir("/proc/self/fd")))'],
                stdout=subprocess.PIPE, close_fds=False, env=environment())
            seen.append(int(process.communicate()[0]))

        class Looking(Stream):
            def read(self, size):
                look()
                return super(Looking, self).read(size)

        look()
        with self.storage.get_read_stream(None, module_data):
            look()
        for durable in (True, False):
            self.make(durable=durable).put(None, Looking(b'content'))
        self.assertEqual(1, len(set(seen)), seen)

    def test_the_flag_that_keeps_them_is_set_as_they_are_opened(self):
        # Not after: another thread may start a child in between.
        self.assertNotEqual(0, O_CLOEXEC)
        original, flags = os.open, []

        def opened(path, given, *mode):
            flags.append(given)
            return original(path, given, *mode)
        with mock.patch('os.open', opened):
            module_data = self.make(durable=True).put(None, Stream(b''))
            self.storage.get_read_stream(None, module_data).close()
        self.assertTrue(len(flags) >= 4)
        for given in flags:
            self.assertTrue(given & O_CLOEXEC and given & os.O_NOFOLLOW)
