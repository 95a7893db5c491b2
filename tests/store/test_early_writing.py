"""A large durable object goes to the disk while its stream still comes, and stays in memory."""

import os
import subprocess

from mezeo_fsstore import disk
from tests import Stream, content
from tests.support import RootTestCase, mock, mounted

MIB = 1024 * 1024


class EarlyWritingTest(RootTestCase):

    def begun(self, size, **settings):
        """Return the parts of an object of `size` bytes that were begun early."""
        self.storage = self.make(**settings)
        with mock.patch.object(disk, 'forget_pages') as start:
            self.put_zeros(size)
        return [call[0][1:] for call in start.call_args_list]

    def put_zeros(self, size):
        class Zeros(object):
            left = size

            def read(self, most):
                number = min(most, self.left)
                self.left -= number
                return b'\0' * number
        return self.storage.put(None, Zeros())

    def test_each_window_is_begun_once_and_none_of_a_small_object(self):
        window = 2 * MIB
        self.assertEqual([], self.begun(window - 1))
        for more in (0, 1000):
            self.assertEqual([(0, window), (window, window)], self.begun(2 * window + more))

    def test_nothing_is_begun_early_that_need_not_be_on_the_disk_in_the_end(self):
        self.assertEqual([], self.begun(4 * MIB, durable=False))

    def test_where_it_can_not_be_had_nothing_is_lost(self):
        with mock.patch.object(disk, 'forget_pages', side_effect=OSError(22, 'not here')):
            module_data = self.storage.put(None, Stream(content(17 * MIB)))
        self.assertTrue(content(17 * MIB) == self.get(module_data))

    def test_an_interrupt_of_it_goes_on_and_leaves_nothing(self):
        for interrupt in (KeyboardInterrupt, MemoryError):
            with mock.patch.object(disk, 'forget_pages', side_effect=interrupt):
                self.raised(interrupt, self.storage.put, None, Stream(content(3 * MIB)))
            self.assertEqual([], self.files())

    def test_a_download_right_after_reads_no_disk(self):
        image = os.path.join(self.folder, 'image')
        with open(image, 'wb') as target:
            target.truncate(400 * MIB)
        try:
            subprocess.check_output(['mkfs.ext4', '-q', '-F', image])
        except OSError as error:
            self.skipTest('no mkfs.ext4: %s' % error)
        with mounted(self, 'ext4', self.root, 'loop', source=image):
            module_data = self.storage.put(None, Stream(content(MIB) * 128))
            before = bytes_from_disk()
            self.assertEqual(128 * MIB, len(self.get(module_data)))
            # What little the kernel drops that was clean already is no tenth of it.
            self.assertTrue(bytes_from_disk() - before < 16 * MIB, bytes_from_disk() - before)


def bytes_from_disk():
    with open('/proc/self/io') as source:
        return int(dict(line.split(': ') for line in source)['read_bytes'])
