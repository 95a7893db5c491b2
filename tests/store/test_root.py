"""The root and its marker: an unmounted or wrong volume is never written to, nor called empty."""

import errno
import os
import shutil

from mezeo_fsstore import (
    ConfigurationError, FilesystemStorage, MissingRoot, StorageError, StorageUnavailable)
from mezeo_fsstore.root import Root
from tests import Stream
from tests.faults.system_calls import Recording
from tests.support import RootTestCase, mark, mock, unittest


class GuardTestCase(RootTestCase):

    def unmount(self):
        """Leave an empty directory in the place of the root, as an unmount does."""
        self.volume = os.path.join(self.folder, 'volume')
        os.rename(self.root, self.volume)
        os.mkdir(self.root)

    def mount(self):
        shutil.rmtree(self.root, ignore_errors=True)
        os.rename(self.volume, self.root)

    def state(self):
        """Return all that lies in the root, with the modes of the directories."""
        return [(folder, sorted(names), os.path.isdir(folder) and os.stat(folder).st_mode)
                for folder, _, names in sorted(os.walk(self.root))]

    def assert_guarded(self, module_data, *words):
        """No call but a read may answer, and none may change anything."""
        before = self.state()
        for call, arguments in ((self.storage.assign, [module_data, Stream(b'x')]),
                                (self.storage.put, [Stream(b'x')]),
                                (self.storage.available, [module_data]),
                                (self.storage.delete, [module_data])):
            error = self.raised(StorageUnavailable, call, None, *arguments)
            self.assertTrue(isinstance(error, StorageError))
            self.assertTrue(isinstance(error, EnvironmentError))
            self.assertEqual((errno.ENODEV, self.root), (error.errno, error.filename))
            for word in words + (self.root, 'mount'):
                self.assertTrue(word in str(error), '%r is not in %s' % (word, error))
        self.assertEqual(before, self.state())


class MissingRootTest(GuardTestCase):
    """Without a marker: what a root that is gone can still tell."""

    def test_nothing_is_made_in_the_place_of_a_root_that_is_gone(self):
        module_data = self.put()
        shutil.rmtree(self.root)
        self.assert_guarded(module_data, 'missing')
        self.assertFalse(os.path.exists(self.root))

    def test_a_read_tells_a_missing_root_from_a_missing_object(self):
        module_data = self.put()
        shutil.rmtree(self.root)
        for call in (self.storage.get_read_stream, self.storage.get_size):
            self.raised(StorageUnavailable, call, None, module_data)

    def test_a_root_that_became_a_file_is_missing(self):
        module_data = self.storage.new_data(None)
        os.rmdir(self.root)
        open(self.root, 'w').close()
        self.assertFalse(os.path.isdir(self.root))
        for call in (self.storage.available, self.storage.delete, self.storage.get_size):
            self.raised(StorageUnavailable, call, None, module_data)
        self.raised(StorageUnavailable, self.put)

    def test_a_root_that_fails_never_answers_false(self):
        module_data = self.storage.new_data(None)
        for number in (errno.EIO, errno.EACCES, errno.ESTALE, errno.ELOOP):
            with mock.patch('os.lstat', side_effect=OSError(number, 'fails', self.root)):
                error = self.raised(EnvironmentError, self.storage.available, None, module_data)
            self.assertEqual(number, error.errno)
            with mock.patch('os.stat', side_effect=OSError(number, 'fails', self.root)):
                error = self.raised(EnvironmentError, self.storage.available, None, module_data)
            self.assertEqual(number, error.errno)

    def test_a_root_that_comes_back_serves_without_a_restart(self):
        module_data = self.put()
        self.unmount()
        os.rmdir(self.root)
        self.raised(StorageUnavailable, self.storage.available, None, module_data)
        self.mount()
        self.assertEqual(b'content', self.get(module_data))

    def test_no_marker_and_no_root_id_is_no_guard(self):
        module_data = self.put()
        self.unmount()
        self.assertFalse(self.storage.available(None, module_data))


class MissingRootWithoutSyncTest(MissingRootTest):

    settings = {'durable': False}


class RefusedRootTest(RootTestCase):
    """A root that the system refuses when the module is made."""

    def refused(self, path):
        error = self.raised(MissingRoot, lambda: FilesystemStorage(root=path))
        self.assertTrue(isinstance(error, ConfigurationError))
        self.assertTrue(isinstance(error, StorageUnavailable))
        self.assertTrue('root can not be used' in str(error) and path in str(error), str(error))
        return error.errno

    def test_a_loop_of_links(self):
        loop = os.path.join(self.folder, 'loop')
        os.symlink(loop, loop)
        self.assertEqual(errno.ELOOP, self.refused(loop))

    def test_a_name_that_is_too_long(self):
        self.assertEqual(errno.ENAMETOOLONG, self.refused('/' + 'x' * 300))

    @unittest.skipIf(os.geteuid() == 0, 'nothing is forbidden to the superuser')
    def test_a_root_that_may_not_be_reached(self):
        os.chmod(self.folder, 0)
        try:
            self.assertEqual(errno.EACCES, self.refused(self.root))
        finally:
            os.chmod(self.folder, 0o700)

    def test_a_mount_that_is_dead(self):
        for number in (errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.EACCES, errno.EHOSTDOWN):
            with mock.patch('os.stat', side_effect=OSError(number, 'fails', self.root)):
                self.assertEqual(number, self.refused(self.root))


class SyncOfRootTest(RootTestCase):

    def test_it_says_whether_the_filesystem_has_it(self):
        root = Root(self.root)
        self.assertEqual(True, root.sync())
        for number in (errno.EINVAL, errno.ENOTSUP):
            with mock.patch('os.fsync', side_effect=OSError(number, 'not here')):
                self.assertEqual(False, root.sync())

    def test_it_follows_a_root_that_is_a_symbolic_link(self):
        link = os.path.join(self.folder, 'link')
        os.symlink(self.root, link)
        with mock.patch('os.fsync', side_effect=self.require_root) as fsync:
            self.assertEqual(True, Root(link).sync())
        self.assertEqual(1, fsync.call_count)

    def require_root(self, fd):
        self.assertTrue(os.path.samestat(os.fstat(fd), os.stat(self.root)))


class MissingObjectTest(RootTestCase):

    def test_a_missing_object_is_the_systems_own_error_with_its_path(self):
        empty, shard_is_there = self.storage.new_data(None), self.storage.new_data(None)
        os.mkdir(os.path.dirname(self.path(shard_is_there)))
        for module_data in (empty, shard_is_there):
            for call in (self.storage.get_read_stream, self.storage.get_size):
                error = self.raised(EnvironmentError, call, None, module_data)
                self.assertFalse(isinstance(error, StorageError))
                self.assertEqual((errno.ENOENT, self.path(module_data)),
                                 (error.errno, error.filename))
                self.assertTrue(self.path(module_data) in str(error))
            self.storage.delete(None, module_data)
            self.assertTrue(self.storage.available(None, module_data) is False)


class RegisteredRootTest(GuardTestCase):
    """With the `root_id` of the registration."""

    def setUp(self):
        super(RegisteredRootTest, self).setUp()
        self.root_id = mark(self.root)
        self.storage = self.make(root_id=self.root_id)
        self.module_data = self.put()

    def test_the_right_root_serves(self):
        self.assertTrue(self.storage.available(None, self.module_data))
        self.assertEqual(b'content', self.get(self.module_data))
        self.storage.delete(None, self.module_data)
        self.assertFalse(self.storage.available(None, self.module_data))

    def test_what_is_asked_for_is_looked_for_while_the_marker_keeps_the_volume_mounted(self):
        for module_data, there in ((self.module_data, True), (self.storage.new_data(None), False)):
            with Recording(failures=True) as seam:
                self.assertEqual(there, self.storage.available(None, module_data))
            names = [name for name, _, _ in seam.calls]
            self.assertEqual(['open', 'read', 'lstat', 'lstat', 'close'], names)
            self.assertEqual(os.path.join(self.root, '.mezeo_fsstore'), seam.calls[0][1][0])

    def test_an_unmounted_volume_is_refused(self):
        self.unmount()
        self.assert_guarded(self.module_data, 'no marker', self.root_id)

    def test_a_root_that_is_gone_is_refused(self):
        shutil.rmtree(self.root)
        self.assert_guarded(self.module_data, self.root_id)
        for call in (self.storage.get_read_stream, self.storage.get_size):
            error = self.raised(StorageUnavailable, call, None, self.module_data)
            self.assertTrue('no marker' in str(error) and self.root_id in str(error), error)

    def test_a_root_that_became_a_file_is_refused(self):
        shutil.rmtree(self.root)
        open(self.root, 'w').close()
        error = self.raised(StorageUnavailable, self.storage.available, None, self.module_data)
        self.assertTrue('no marker' in str(error))

    def test_another_volume_is_refused(self):
        self.unmount()
        other = mark(self.root)
        self.assert_guarded(self.module_data, other, self.root_id)
        # Also where it has an object of that name, in a shard that is not synced yet.
        os.mkdir(os.path.dirname(self.path(self.module_data)))
        os.chmod(os.path.dirname(self.path(self.module_data)), 0o1700)
        open(self.path(self.module_data), 'w').close()
        self.assert_guarded(self.module_data, other, self.root_id)

    def test_what_to_do_is_said_of_each_case(self):
        self.unmount()
        for marker, has, more in (
                (None, 'no marker', '; where that is mounted and has lost its file .mezeo_fsstore, '
                                    'write this id and a newline into it'),
                ('0' * 32, 'the marker of ' + '0' * 32, '')):
            if marker:
                with open(os.path.join(self.root, '.mezeo_fsstore'), 'w') as target:
                    target.write(marker + '\n')
            error = self.raised(StorageUnavailable, self.storage.available, None, self.module_data)
            self.assertEqual('root has %s, but %s is registered: mount the right volume%s'
                             % (has, self.root_id, more), error.strerror)

    def test_objects_of_a_root_that_lost_its_marker_can_be_read_only(self):
        os.unlink(os.path.join(self.root, '.mezeo_fsstore'))
        self.assert_guarded(self.module_data, 'no marker')
        self.assertEqual(b'content', self.get(self.module_data))
        self.assertEqual(7, self.storage.get_size(None, self.module_data))

    def test_a_read_from_an_unmounted_volume_is_no_missing_object(self):
        self.unmount()
        for call in (self.storage.get_read_stream, self.storage.get_size):
            self.raised(StorageUnavailable, call, None, self.module_data)

    def test_a_module_made_before_the_mount_serves_after_it(self):
        self.unmount()
        self.storage = self.make(root_id=self.root_id)
        self.raised(StorageUnavailable, self.storage.available, None, self.module_data)
        self.mount()
        self.assertEqual(b'content', self.get(self.module_data))
        self.assertTrue(self.storage.available(None, self.module_data))

    def test_a_damaged_marker_is_refused_and_says_what_to_do(self):
        marker = os.path.join(self.root, '.mezeo_fsstore')
        for damaged in (b'', b'x', b'0' * 31, b'0' * 33, b'\xff' * 32, b'0' * 32 + b'\n\nx',
                        b'0' * 32 + b'X\n', b'z' * 32):
            os.unlink(marker)
            with open(marker, 'wb') as target:
                target.write(damaged)
            for call in (lambda: self.storage.available(None, self.module_data), self.make):
                error = self.raised(StorageUnavailable, call)
                self.assertEqual(marker, error.filename)
                self.assertTrue('damaged' in str(error) and 'root_id' in str(error))
                self.assertFalse('init' in str(error), 'another volume may be as likely')

    def test_of_a_huge_file_in_the_place_of_the_marker_little_is_read(self):
        marker = os.path.join(self.root, '.mezeo_fsstore')
        os.chmod(marker, 0o600)
        with open(marker, 'r+b') as target:
            target.truncate(2 ** 30)
        with Recording() as seam:
            self.raised(StorageUnavailable, self.storage.available, None, self.module_data)
        self.assertEqual([64], [len(read) for name, _, read in seam.calls if name == 'read'])

    def test_a_marker_that_can_not_be_read_is_the_systems_error(self):
        with mock.patch('os.open', side_effect=OSError(errno.EIO, 'broken', 'x')):
            for call in (lambda: self.storage.available(None, self.module_data), self.make):
                error = self.raised(EnvironmentError, call)
                self.assertEqual(errno.EIO, error.errno)

    def test_a_planted_marker_is_not_followed_and_blocks_nobody(self):
        marker = os.path.join(self.root, '.mezeo_fsstore')
        elsewhere = os.path.join(self.folder, 'elsewhere')
        os.rename(marker, elsewhere)
        for plant, number in ((lambda: os.symlink(elsewhere, marker), errno.ELOOP),
                              (lambda: os.mkfifo(marker), errno.ENODEV),
                              (lambda: os.mkdir(marker), errno.EISDIR)):
            plant()
            error = self.raised(EnvironmentError, self.storage.available, None, self.module_data)
            self.assertEqual((number, marker), (error.errno, error.filename))
            os.rename(marker, os.path.join(self.folder, str(plant)))


class MarkerSeenAtStartTest(RegisteredRootTest):
    """Without a `root_id`, a marker that was there at the start guards likewise."""

    def make(self, **changes):
        changes.pop('root_id', None)
        return super(MarkerSeenAtStartTest, self).make(**changes)

    def test_a_module_made_before_the_mount_serves_after_it(self):
        """It has no guard then, as nothing has told it of a marker; but it serves."""
        self.unmount()
        self.storage = self.make()
        self.assertFalse(self.storage.available(None, self.module_data))
        self.mount()
        self.assertEqual(b'content', self.get(self.module_data))


class RegisteredRootWithoutSyncTest(RegisteredRootTest):

    settings = {'durable': False}


class MarkTest(RootTestCase):

    def test_the_marker_holds_a_random_id_that_every_server_may_read(self):
        root_id = mark(self.root)
        marker = os.path.join(self.root, '.mezeo_fsstore')
        with open(marker) as stream:
            self.assertEqual(root_id + '\n', stream.read())
        self.assertEqual(32, len(root_id))
        self.assertEqual(0o444, os.stat(marker).st_mode & 0o777)
        self.assertEqual(['.mezeo_fsstore'], os.listdir(self.root))

    def test_a_marker_that_is_there_stays(self):
        first = mark(self.root)
        self.assertEqual(first, mark(self.root))
        self.assertEqual(['.mezeo_fsstore'], os.listdir(self.root))

    def test_of_two_that_mark_at_once_both_get_the_id_that_stays(self):
        original, other = os.link, []

        def link(source, target):
            if not other:
                other.append(None)
                other[0] = mark(self.root)
            original(source, target)
        with mock.patch('os.link', link):
            mine = mark(self.root)
        self.assertEqual(other, [mine])

    def test_it_is_on_the_disk_when_it_is_told(self):
        with mock.patch('os.fsync') as fsync:
            mark(self.root)
        self.assertEqual(2, fsync.call_count)

    def test_where_there_are_no_hard_links_the_error_says_how_to_make_the_marker(self):
        marker = os.path.join(self.root, '.mezeo_fsstore')
        with mock.patch('os.link', side_effect=OSError(errno.EPERM, 'not permitted')):
            error = self.raised(EnvironmentError, mark, self.root)
        self.assertEqual((None, marker), (error.errno, error.filename))
        self.assertTrue('not permitted. Make this file by hand: ' in str(error), error)

    def test_a_root_that_can_not_be_marked_keeps_nothing(self):
        for name in ('link', 'fsync'):
            with mock.patch('os.' + name, side_effect=OSError(errno.EROFS, 'read-only')):
                error = self.raised(EnvironmentError, mark, self.root)
            self.assertEqual(errno.EROFS, error.errno)
            self.assertTrue(error.filename.startswith(self.root))
            self.assertEqual([], os.listdir(self.root))
