"""A real filesystem loses its power: what is there after the next mount."""

import errno
import fcntl
import os
import struct
import subprocess

from tests import Stream
from tests.support import RootTestCase, find_program, mounted, unittest

# ext4 and XFS stop at once and write nothing more but their journals, without the data of files
# that nobody has synced: see ioctl_xfs_goingdown(2).
SHUTDOWN, FLUSH_JOURNAL = 0x8004587d, 1

CONTENT = b'content' * 1000


@unittest.skipUnless(os.geteuid() == 0, 'only the superuser can mount')
class PowerCutTest(RootTestCase):

    def each_filesystem(self):
        """Yield the name and an image of each filesystem that can be stopped so."""
        for kind in ('ext4', 'xfs'):
            program = find_program('mkfs.' + kind)
            if program is None:
                self.skipTest('there is no mkfs.%s' % kind)
            image = os.path.join(self.folder, kind)
            with open(image, 'wb') as volume:
                volume.truncate(400 * 1024 ** 2)
            subprocess.check_output([program, '-q', image], stderr=subprocess.STDOUT)
            yield kind, image

    def put_and_cut(self, kind, image, storage):
        """Return the `module_data` of an object that was stored just before the power went."""
        with mounted(self, kind, self.root, 'loop', image):
            module_data = storage.put(None, Stream(CONTENT))
            fd = os.open(self.root, os.O_RDONLY)
            try:
                fcntl.ioctl(fd, SHUTDOWN, struct.pack('I', FLUSH_JOURNAL))
            except EnvironmentError as error:
                if error.errno not in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL):
                    raise
                self.skipTest('%s can not be stopped here: %s' % (kind, error))
            finally:
                os.close(fd)
        return module_data

    def test_with_durable_what_was_acknowledged_is_whole(self):
        for kind, image in self.each_filesystem():
            module_data = self.put_and_cut(kind, image, self.make(durable=True))
            with mounted(self, kind, self.root, 'loop', image):
                self.assertTrue(self.storage.available(None, module_data), kind)
                self.assertEqual(CONTENT, self.get(module_data), kind)

    def test_without_durable_an_object_may_be_there_and_empty(self):
        for kind, image in self.each_filesystem():
            module_data = self.put_and_cut(kind, image, self.make(durable=False))
            with mounted(self, kind, self.root, 'loop', image):
                self.assertTrue(self.storage.available(None, module_data), kind)
                self.assertEqual(0, self.storage.get_size(None, module_data), kind)
