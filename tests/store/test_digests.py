"""Each object carries the SHA-256 of its content, for anyone to check."""

import errno
import hashlib
import os
import stat
import subprocess
import sys
import tempfile

from mezeo_fsstore import disk
from tests import Stream, content
from tests.faults.system_calls import Failing
from tests.support import (
    RootTestCase, get_attribute, keeps_attributes, mock, mounted, run_python, set_attribute,
    unittest)

KERNEL_COPIES = sys.version_info[0] > 2


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class DigestCase(RootTestCase):

    def setUp(self):
        super(DigestCase, self).setUp()
        if not keeps_attributes(self.root):
            self.skipTest('no user attributes here, or, for Python 2, no getfattr and setfattr')

    def digest(self, module_data):
        """Return the digest that the object's file carries, None for none."""
        return get_attribute(self.path(module_data))


class DigestTest(DigestCase):

    def test_it_is_that_of_the_content_however_it_comes(self):
        for data in (b'', b'x', content(300001), content(3000000)):
            for most in (None, 1000):
                module_data = self.put_stream(Stream(data, most=most) if most else Stream(data))
                self.assertEqual(sha256(data), self.digest(module_data))

    def put_stream(self, stream):
        return self.storage.put(None, stream)

    def test_a_replacement_carries_its_own(self):
        module_data = self.put(b'old')
        self.storage.assign(None, module_data, Stream(b'new'))
        self.assertEqual(sha256(b'new'), self.digest(module_data))

    def test_the_default_is_a_digest_where_objects_are_durable(self):
        for settings, expected in (
                ({}, True), ({'durable': False}, False), ({'durable': 'false'}, False),
                ({'durable': False, 'digest': 'sha256'}, True), ({'digest': 'none'}, False),
                ({'digest': u'none'}, False), ({'digest': None}, True)):
            self.storage = self.make(**settings)
            self.assertEqual(expected, self.digest(self.put()) is not None, settings)

    def test_files_that_their_owner_may_not_write_have_one_too(self):
        for mode in ('0400', '0440', '0444', '0600', '0664'):
            self.storage = self.make(file_mode=mode)
            for umask in (0o022, 0o777):
                os.mkdir(os.path.join(self.root, 'abc'))
                module_data = '{"path": "abc/%032x"}' % (int(mode, 8) + umask)
                old = os.umask(umask)
                try:
                    self.storage.assign(None, module_data, Stream(b'content'))
                finally:
                    os.umask(old)
                path = self.path(module_data)
                self.assertEqual(int(mode, 8), stat.S_IMODE(os.stat(path).st_mode))
                self.assertEqual(sha256(b'content'), self.digest(module_data))
                os.unlink(path)
                os.rmdir(os.path.dirname(path))

    def test_the_owner_may_write_the_file_while_it_gets_one(self):
        # Else the system refuses it, but to the superuser.
        modes, original = [], disk.set_attribute

        def set_attribute(fd, *arguments):
            modes.append(stat.S_IMODE(os.fstat(fd).st_mode))
            original(fd, *arguments)
        self.storage = self.make(file_mode='0440')
        with mock.patch.object(disk, 'set_attribute', set_attribute):
            self.put()
        self.assertEqual([0o640], modes)

    def test_a_filesystem_without_attributes_keeps_objects_without(self):
        with mock.patch.object(disk, 'set_attribute', side_effect=OSError(errno.ENOTSUP, 'none')):
            module_data = self.put(b'content')
        self.assertEqual(b'content', self.get(module_data))
        self.assertTrue(self.digest(module_data) is None)

    def test_where_none_can_be_read_there_is_none(self):
        # ERANGE: on Python 2, of a value that is longer than any digest.
        path = self.path(self.put())
        with open(path, 'rb') as source:
            for number in (errno.ENODATA, errno.ENOTSUP, errno.ERANGE):
                with mock.patch.object(disk, 'get_attribute', side_effect=OSError(number, 'none')):
                    self.assertTrue(disk.get_digest(source.fileno(), path) is None)

    def test_a_value_that_is_too_long_to_be_read_is_no_digest_but_is_there(self):
        path = self.path(self.put())
        with open(path, 'rb') as source:
            for error, there in ((errno.ERANGE, True), (errno.ENODATA, False)):
                with mock.patch.object(disk, 'get_attribute', side_effect=OSError(error, 'none')):
                    value = disk.digest_attribute(source.fileno(), path)
                self.assertEqual(there, value is not None)

    def test_any_other_failure_is_that_of_a_write(self):
        module_data = self.put(b'old')
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPERM):
            with Failing(number, fits=lambda name, arguments: name == 'fsetxattr'):
                error = self.raised(EnvironmentError, self.storage.assign, None, module_data,
                                    Stream(b'new'))
            self.assertEqual(number, error.errno)
            self.assertTrue(str(error.filename).startswith(self.root), error.filename)
            self.assertEqual(b'old', self.get(module_data))
            self.assertEqual([], self.temporaries())

    def test_a_python_without_ctypes_keeps_objects_without(self):
        # Under SELinux in mod_wsgi it is a MemoryError.
        for error in ('ImportError', 'OSError', 'MemoryError'):
            status, output, errors = run_python('-c', '\n'.join([
                'import os, sys, types',
                'class Ctypes(types.ModuleType):',
                '    def __getattr__(self, name):',
                '        raise %s("not here")' % error,
                'sys.modules["ctypes"] = Ctypes("ctypes")',
                'from mezeo_fsstore import FilesystemStorage',
                'from tests import Stream',
                'storage = FilesystemStorage(root=sys.argv[1])',
                'print(storage.put(None, Stream(b"content")))']), self.root)
            self.assertEqual((0, b''), (status, errors))
            module_data = output.decode('ascii').strip()
            self.assertEqual(b'content', self.get(module_data))
            self.assertEqual(sys.version_info[0] > 2, self.digest(module_data) is not None)

    def test_an_attribute_that_is_no_digest_counts_as_none(self):
        path = self.path(self.put())
        for value in ('', 'x', 'A' * 64, 'z' * 64, '0' * 63, '0' * 65, '0' * 64 + '\n', '0' * 6000):
            try:
                set_attribute(path, value)
            except (EnvironmentError, subprocess.CalledProcessError):
                self.assertEqual(6000, len(value))  # this filesystem has no such long ones
                continue
            with open(path, 'rb') as source:
                self.assertTrue(disk.get_digest(source.fileno(), path) is None, value)
        set_attribute(path, '0123456789abcdef' * 4)
        with open(path, 'rb') as source:
            self.assertEqual('0123456789abcdef' * 4, disk.get_digest(source.fileno(), path))

    def test_it_takes_no_block_of_an_ext4_with_small_inodes(self):
        image = os.path.join(self.folder, 'image')
        with open(image, 'wb') as target:
            target.truncate(32 * 1024 ** 2)
        try:
            subprocess.check_output(['mkfs.ext4', '-q', '-F', '-I', '256', image])
        except OSError as error:
            self.skipTest('no mkfs.ext4: %s' % error)
        with mounted(self, 'ext4', self.root, 'loop', source=image):
            taken = []
            for digest in ('sha256', 'none'):
                path = self.path(self.make(digest=digest).put(None, Stream(content(5000))))
                taken.append(os.stat(path).st_blocks)
                self.assertEqual(digest == 'sha256', get_attribute(path) is not None)
            self.assertEqual(taken[0], taken[1])


class CopyTest(DigestCase):

    def copy(self, module_data, position=0, storage=None):
        with self.storage.get_read_stream(None, module_data) as stream:
            stream.seek(position)
            return (storage or self.storage).put(None, stream)

    @unittest.skipUnless(KERNEL_COPIES, 'on Python 2 a copy is read, hashed and written')
    def test_a_whole_copy_carries_the_digest_of_its_source(self):
        # One of its own would hide that the source has rotted.
        module_data = self.put(content(300000))
        set_attribute(self.path(module_data), '0' * 64)
        self.assertEqual('0' * 64, self.digest(self.copy(module_data)))
        with mock.patch.object(disk, 'copy', return_value=False):
            self.assertEqual('0' * 64, self.digest(self.copy(module_data)))

    def test_a_copy_from_a_later_position_has_one_of_its_own(self):
        data = content(300000)
        copied = self.copy(self.put(data), 1000)
        self.assertEqual(sha256(data[1000:]), self.digest(copied))

    @unittest.skipUnless(KERNEL_COPIES, 'on Python 2 a copy is read, hashed and written')
    def test_the_copy_of_an_object_without_one_has_none(self):
        module_data = self.make(digest='none').put(None, Stream(b'content'))
        self.assertTrue(self.digest(self.copy(module_data)) is None)

    @unittest.skipUnless(KERNEL_COPIES, 'on Python 2 a copy is read, hashed and written')
    def test_a_digest_that_can_not_be_read_is_an_error_and_no_copy_without(self):
        module_data = self.put()
        before = self.files()
        with Failing(errno.EIO, fits=lambda name, arguments: name == 'fgetxattr'):
            error = self.raised(EnvironmentError, self.copy, module_data)
        self.assertEqual(errno.EIO, error.errno)
        self.assertEqual(before, self.files())

    def test_a_copy_to_a_root_without_digests_has_none(self):
        other = tempfile.mkdtemp(dir=self.folder)
        storage = self.make(root=other, digest='none')
        for position in (0, 3):
            copied = self.copy(self.put(), position, storage)
            path = os.path.join(other, copied.split('"')[3])
            self.assertTrue(get_attribute(path) is None)


class OldPythonTest(DigestCase):

    @unittest.skipIf(KERNEL_COPIES, 'Python 3 has these calls itself')
    def test_the_module_starts_no_process_to_find_the_system_s_library(self):
        status, _, errors = run_python('-c', '\n'.join([
            'import os, subprocess',
            'def refuse(*_, **__):',
            '    raise AssertionError("a process")',
            'os.popen = os.fork = os.system = subprocess.Popen = refuse',
            'import mezeo_fsstore']))
        self.assertEqual((0, b''), (status, errors))
