"""What others plant in the root is neither followed, nor waited for, nor taken for an object."""

import errno
import os
import shutil
import socket
import stat

from mezeo_fsstore import StorageError
from tests import Stream
from tests.support import RootTestCase, mock


class PlantedTest(RootTestCase):

    def setUp(self):
        super(PlantedTest, self).setUp()
        self.outside = os.path.join(self.folder, 'outside')
        os.mkdir(self.outside)
        self.secret = os.path.join(self.outside, 'secret')
        with open(self.secret, 'w') as secret:
            secret.write('secret')
        self.module_data = self.storage.new_data(None)
        self.place = self.path(self.module_data)
        os.mkdir(os.path.dirname(self.place))
        self.before = self.look_outside()

    def look_outside(self):
        found = []
        for folder, folders, names in os.walk(self.outside):
            found.append((folder, sorted(folders), sorted(names)))
            for name in names:
                with open(os.path.join(folder, name)) as stream:
                    found.append(stream.read())
        return found

    def assert_no_object(self):
        """It is not available, and no read gets as far as a byte."""
        self.assertTrue(self.storage.available(None, self.module_data) is False)
        for call in (self.storage.get_read_stream, self.storage.get_size):
            error = self.raised(EnvironmentError, call, None, self.module_data)
            self.assertFalse(isinstance(error, StorageError))
            self.assertEqual(self.place, error.filename)
            self.assertNotEqual(errno.ENOENT, error.errno)

    def assert_replaced(self):
        self.storage.assign(None, self.module_data, Stream(b'content'))
        self.assertTrue(stat.S_ISREG(os.lstat(self.place).st_mode))
        self.assertEqual(b'content', self.get(self.module_data))
        self.assertEqual(self.before, self.look_outside())

    def assert_deleted(self):
        self.storage.delete(None, self.module_data)
        self.assertFalse(os.path.lexists(self.place))
        self.assertEqual(self.before, self.look_outside())

    def test_a_symbolic_link(self):
        for target in (self.secret, self.outside, 'missing', self.place):
            os.symlink(target, self.place)
            self.assert_no_object()
            self.assert_deleted()
            os.symlink(target, self.place)
            self.assert_replaced()
            os.unlink(self.place)

    def test_a_fifo(self):
        os.mkfifo(self.place)
        self.assert_no_object()
        self.assert_deleted()
        os.mkfifo(self.place)
        self.assert_replaced()

    def test_a_socket(self):
        # Its name is too long for the address of a socket, so that it must be moved there.
        short = os.path.join(self.folder, 'socket')
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(short)
        listener.close()
        os.rename(short, self.place)
        self.assert_no_object()
        self.assert_deleted()

    def test_a_device(self):
        try:
            os.mknod(self.place, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
        except OSError as error:
            self.skipTest('a device can not be made here: %s' % error)
        self.assert_no_object()
        self.assert_replaced()

    def test_a_directory_is_left_alone(self):
        os.mkdir(self.place)
        self.assert_no_object()
        for call, arguments in ((self.storage.delete, []), (self.storage.assign, [Stream(b'x')])):
            self.raised(EnvironmentError, call, None, self.module_data, *arguments)
        self.assertEqual([], os.listdir(self.place))
        self.assertEqual([], self.files())

    def test_a_shard_that_is_a_symbolic_link_is_not_followed(self):
        shard = os.path.dirname(self.place)
        os.rmdir(shard)
        name = os.path.join(self.outside, os.path.basename(self.place))
        with open(name, 'w') as other:
            other.write('of another root')
        before = self.look_outside()
        for target in (self.outside, 'missing'):
            os.symlink(target, shard)
            for settings in ({'durable': True}, {'durable': False}):
                self.storage = self.make(**settings)
                for call, arguments in (
                        (self.storage.available, []), (self.storage.get_read_stream, []),
                        (self.storage.get_size, []), (self.storage.delete, []),
                        (self.storage.assign, [Stream(b'x')])):
                    error = self.raised(EnvironmentError, call, None, self.module_data, *arguments)
                    self.assertTrue(error.errno in (errno.ELOOP, errno.ENOTDIR), error)
            os.unlink(shard)
        self.assertEqual(before, self.look_outside())

    def test_a_shard_that_is_a_file_is_an_error_and_left_alone(self):
        shard = os.path.dirname(self.place)
        os.rmdir(shard)
        open(shard, 'w').close()
        for call, arguments in ((self.storage.available, []), (self.storage.get_read_stream, []),
                                (self.storage.delete, []), (self.storage.assign, [Stream(b'x')])):
            error = self.raised(EnvironmentError, call, None, self.module_data, *arguments)
            self.assertEqual(errno.ENOTDIR, error.errno)
        self.assertTrue(os.path.isfile(shard))

    def test_what_lies_at_the_name_of_a_temporary_is_refused_and_left_alone(self):
        directory, name = os.path.split(self.place)
        planted = os.path.join(directory, '.%s.%s' % (name, '0' * 16))
        for plant in (lambda: shutil.copy(self.secret, planted),
                      lambda: os.symlink(self.secret, planted), lambda: os.mkfifo(planted)):
            plant()
            before = os.lstat(planted)
            with mock.patch('mezeo_fsstore.names.random_hex', return_value='0' * 16):
                error = self.raised(EnvironmentError, self.storage.assign, None, self.module_data,
                                    Stream(b'x'))
            self.assertEqual((errno.EEXIST, planted), (error.errno, error.filename))
            self.assertEqual((before.st_ino, before.st_size),
                             (os.lstat(planted).st_ino, os.lstat(planted).st_size))
            os.unlink(planted)
        self.assertEqual(self.before, self.look_outside())

    def test_a_temporary_is_no_object_and_hurts_none(self):
        leftover = os.path.join(os.path.dirname(self.place),
                                '.%s.%s' % (os.path.basename(self.place), '0' * 16))
        with open(leftover, 'w') as stream:
            stream.write('half an obj')
        self.assertFalse(self.storage.available(None, self.module_data))
        self.assert_replaced()
        self.assertTrue(os.path.exists(leftover))
        os.unlink(leftover)
