"""What others plant in the root is neither followed, nor waited for, nor taken for an object."""

import errno
import os
import shutil
import socket
import stat

from mezeo_fsstore import StorageError
from tests import Stream
from tests.faults.system_calls import Recording
from tests.support import RootTestCase, mock

# Of Linux's <sys/statvfs.h>; Python 2 does not name it.
ST_NODEV = 4


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

    def assert_no_object(self, number=errno.EINVAL):
        """It is not available, and no read gets as far as a byte: its open fails with `number`."""
        self.assertTrue(self.storage.available(None, self.module_data) is False)
        for call, expected in ((self.storage.get_read_stream, number),
                               (self.storage.get_size, errno.EINVAL)):
            error = self.raised(EnvironmentError, call, None, self.module_data)
            self.assertFalse(isinstance(error, StorageError))
            self.assertEqual((expected, self.place), (error.errno, error.filename))

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
            self.assert_no_object(errno.ELOOP)
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
        self.assert_no_object(errno.ENXIO)
        self.assert_deleted()

    def test_a_device(self):
        try:
            os.mknod(self.place, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
        except OSError as error:
            if error.errno != errno.EPERM:
                raise
            self.skipTest('a device can not be made here: %s' % error)
        # A volume that is mounted without devices, as all of FUSE: the system refuses it first.
        nodev = os.statvfs(self.root).f_flag & ST_NODEV
        self.assert_no_object(errno.EACCES if nodev else errno.EINVAL)
        self.assert_replaced()

    def test_a_directory_is_left_alone(self):
        os.mkdir(self.place)
        self.assert_no_object()
        for durable in (True, False):
            storage = self.make(durable=durable)
            for call, arguments in ((storage.delete, []), (storage.assign, [Stream(b'x')])):
                error = self.raised(EnvironmentError, call, None, self.module_data, *arguments)
                # Python 3 names the file that was to be renamed.
                self.assertEqual((errno.EISDIR, os.path.dirname(self.place)),
                                 (error.errno, os.path.dirname(error.filename)))
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
            for durable in (True, False):
                storage = self.make(durable=durable)
                # What opens a directory learns from the system that a link is none.
                for call, arguments, number in (
                        (storage.available, [], errno.ELOOP),
                        (storage.get_read_stream, [], errno.ELOOP),
                        (storage.get_size, [], errno.ELOOP),
                        (storage.delete, [], errno.ENOTDIR if durable else errno.ELOOP),
                        (storage.assign, [Stream(b'x')], errno.ENOTDIR)):
                    error = self.raised(EnvironmentError, call, None, self.module_data, *arguments)
                    self.assertEqual((number, shard), (error.errno, error.filename))
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

    def test_a_shard_that_is_a_fifo_is_not_waited_for(self):
        shard = os.path.dirname(self.place)
        os.rmdir(shard)
        os.mkfifo(shard)
        # Whoever opens it all the same waits for nobody, and is seen.
        other = os.open(shard, os.O_RDWR)
        try:
            for durable in (True, False):
                storage = self.make(durable=durable)
                for call, arguments in (
                        (storage.available, []), (storage.get_read_stream, []),
                        (storage.get_size, []), (storage.delete, []),
                        (storage.assign, [Stream(b'x')])):
                    with Recording() as seam:
                        error = self.raised(EnvironmentError, call, None, self.module_data,
                                            *arguments)
                    self.assertEqual(errno.ENOTDIR, error.errno)
                    self.assertEqual([], [name for name, _, _ in seam.calls if name == 'open'])
        finally:
            os.close(other)

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
