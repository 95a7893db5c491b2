"""`check`: what a filesystem offers, what it does not, and what can't be told."""

import errno
import fcntl
import os
import signal
import stat

from mezeo_fsstore import FilesystemStorage, disk, names
from mezeo_fsstore.admin import check_readers
from tests.command.check_cases import CheckTestCase, failing, on
from tests.support import mock, mounted, wait_until

ERRORS = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EPERM, errno.EIO, errno.EXDEV, errno.EINVAL,
          errno.ENOSYS)


RENAME = os.rename


def is_over(process):
    """Return whether the child process has ended, though nobody has asked for its status."""
    with open('/proc/%d/stat' % process) as status:
        return ') Z ' in status.read()


class ModesTest(CheckTestCase):

    def test_modes_that_are_not_kept_are_a_failure(self):
        for fixed in (0o777, 0o755):
            report = self.with_modes(lambda path, mode: os.chmod(path, fixed))
            self.assert_verdict('FAIL', 'modes are kept', 'has %04o' % fixed, report)
        self.assertEqual(1, self.status)

    def with_modes(self, chmod):
        """Return the report where the system's chmod does this."""
        original = os.chmod
        with mock.patch('mezeo_fsstore.admin.check_offers.os.chmod',
                        lambda path, mode: self.once(chmod, original, path, mode)):
            return self.examined()

    def once(self, chmod, original, path, mode):
        with mock.patch('os.chmod', original):
            chmod(path, mode)

    def test_modes_that_can_not_be_set_are_a_failure(self):
        report = self.with_modes(failing(errno.EPERM))
        self.assert_verdict('FAIL', 'modes are kept', 'a file can not be given the mode 0600: '
                            'Operation not permitted', report)

    def test_a_lost_setgid_is_a_failure_where_it_is_registered_else_a_warning(self):
        def lose(path, mode):
            os.chmod(path, mode & ~stat.S_ISGID)
        self.assert_verdict('warn', 'modes are kept', 'setgid', self.with_modes(lose))
        self.assertEqual(0, self.status)
        original = self.examined
        self.examined = lambda: original(dir_mode='2770')
        self.assert_verdict('FAIL', 'modes are kept', 'given the mode 3770 has 1770',
                            self.with_modes(lose))

    def test_the_directory_that_is_tried_is_none_of_the_objects(self):
        # Chance does that once in 500 times.
        with mock.patch('mezeo_fsstore.names.new_object',
                        lambda: '000/000' + names.random_hex(16)[3:]):
            self.assert_verdict('ok', 'modes are kept', 'yes', self.examined())

    def test_the_sticky_bit_of_a_directory_is_needed(self):
        def lose(path, mode):
            os.chmod(path, mode & ~stat.S_ISVTX)
        self.assert_verdict('FAIL', 'modes are kept', 'given the mode 1700 has 0700',
                            self.with_modes(lose))

    def test_the_registered_mode_of_files_is_tried(self):
        def lose(path, mode):
            os.chmod(path, mode & ~0o007)
        self.assertEqual('ok', self.verdict('modes are kept', self.with_modes(lose)))
        original = self.examined
        self.examined = lambda: original(file_mode='0604')
        self.assert_verdict('FAIL', 'modes are kept', 'given the mode 0604 has 0600',
                            self.with_modes(lose))


class SyncTest(CheckTestCase):

    def sync(self, report):
        return self.line('sync of directories', report)

    def test_a_filesystem_without_sync_of_directories_is_a_warning(self):
        original = os.fsync

        def fsync(fd):
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, 'Invalid argument')
            original(fd)
        with mock.patch('os.fsync', fsync):
            self.assert_verdict('warn', 'sync of directories', 'may be lost', self.examined())
        self.assertEqual(0, self.status)

    def test_a_sync_that_fails_is_a_failure(self):
        with mock.patch('os.fsync', failing(errno.EIO)):
            self.assert_verdict('FAIL', 'sync of directories', 'Input/output', self.examined())

    def test_what_a_program_or_another_machine_answers_is_a_warning(self):
        for kind in ('fuse', 'fuseblk', 'fuse.glusterfs', 'fuse.sshfs', 'virtiofs', '9p', 'cifs'):
            with on(kind):
                report = self.examined()
            self.assert_verdict('warn', 'sync of directories',
                                'can not be told here: %s passes it on' % kind, report)
            self.assertEqual(0, self.status)

    def test_a_filesystem_in_memory_is_a_warning(self):
        for kind in ('tmpfs', 'ramfs'):
            with on(kind):
                self.assert_verdict('warn', 'sync of directories', 'lost with the power',
                                    self.examined())

    def test_a_mount_without_barriers_is_a_warning(self):
        for option in ('nobarrier', 'barrier=0'):
            with on('ext4', 'rw', option):
                self.assert_verdict('warn', 'sync of directories', 'without barriers',
                                    self.examined())

    def test_a_filesystem_of_which_nothing_bad_is_known_is_well(self):
        for kind in ('ext4', 'xfs', 'btrfs', 'nfs4', 'overlay', 'ceph', 'fusexyz'):
            with on(kind, 'rw', 'lookupcache=pos'):
                self.assertEqual('ok', self.verdict('sync of directories', self.examined()))

    def test_an_overlay_that_is_mounted_volatile_is_a_warning(self):
        base = os.path.join(self.folder, 'base')
        os.mkdir(base)
        with mounted(self, 'tmpfs', base, 'size=64m'):
            for name in ('lower', 'upper', 'work'):
                os.mkdir(os.path.join(base, name))
            options = 'lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work' % (base, base, base)
            for more, verdict in (('', 'ok'), (',volatile', 'warn')):
                with mounted(self, 'overlay', self.root, options + more):
                    report = self.examined()
                self.assert_verdict(verdict, 'sync of directories', '', report)
                self.assertEqual(bool(more), 'mounted volatile' in self.sync(report))


class ReadersTest(CheckTestCase):

    name = 'replace it under another process'

    def replaced_by(self, begin, end):
        """Return the report where a replacement is two steps, `begin(source, target)` and `end`.

        Between them are all the looks of the reader.
        """
        readers, fork, rename = [], os.fork, os.rename

        def record():
            readers.append(fork())
            return readers[-1]

        def replace(source, target):
            if not readers or not os.path.exists(target):
                return rename(source, target)
            begin(source, target)
            wait_until(lambda: is_over(readers[-1]))
            end(source, target)
        # On a busy machine a quick reader may end between the two.
        self.duration = 1
        with mock.patch('os.fork', record):
            with mock.patch('os.rename', replace):
                return self.examined()

    def without_it(self):
        """Return the report where a replacement first removes what was there."""
        return self.replaced_by(lambda source, target: os.unlink(target), RENAME)

    def test_a_reader_in_another_process_looks_while_it_is_replaced(self):
        line = self.line(self.name, self.examined())
        looks, replaced = [int(word) for word in line.split() if word.isdigit()]
        self.assertTrue(line.startswith('ok') and looks > 0 and replaced > 0, line)

    def test_what_was_never_replaced_is_not_called_one_step(self):
        fork = os.fork

        def late():
            # The parent goes on when the reader is at its end.
            child = fork()
            if child:
                wait_until(lambda: is_over(child))
            return child
        with mock.patch.object(check_readers, '_PATIENCE', 0.1):
            with mock.patch('os.fork', late):
                report = self.examined()
        self.assert_verdict('warn', self.name, 'too busy to replace it', report)

    def test_an_object_that_is_missing_for_a_moment_is_a_failure(self):
        self.assert_verdict('FAIL', self.name, 'found nothing', self.without_it())
        self.assertEqual(1, self.status)

    def test_an_object_that_is_torn_for_a_moment_is_a_failure(self):
        def begin(source, target):
            with open(target, 'r+b') as old:
                old.write(b'new')

        self.assert_verdict('FAIL', self.name, 'neither the old nor the new content',
                            self.replaced_by(begin, RENAME))

    def test_a_wrong_size_is_a_failure(self):
        get_size = FilesystemStorage.get_size

        def wrong(storage, context, module_data):
            size = get_size(storage, context, module_data)
            return size if os.getpid() == parent else size + 1
        parent = os.getpid()
        with mock.patch.object(FilesystemStorage, 'get_size', wrong):
            self.assert_verdict('FAIL', self.name, 'neither the old nor the new content',
                                self.examined())

    def test_an_available_that_is_false_for_a_moment_is_a_failure(self):
        parent = os.getpid()
        available = FilesystemStorage.available

        def wrong(*arguments):
            return available(*arguments) and os.getpid() == parent
        with mock.patch.object(FilesystemStorage, 'available', wrong):
            self.assert_verdict('FAIL', self.name, 'found nothing', self.examined())

    def test_a_reader_that_fails_is_a_failure(self):
        parent = os.getpid()
        get_read_stream = FilesystemStorage.get_read_stream

        def fail(*arguments):
            if os.getpid() != parent:
                raise OSError(errno.ESTALE, 'Stale file handle')
            return get_read_stream(*arguments)
        with mock.patch.object(FilesystemStorage, 'get_read_stream', fail):
            self.assert_verdict('FAIL', self.name, 'Stale file handle', self.examined())

    def test_a_reader_that_dies_is_a_failure(self):
        parent = os.getpid()
        available = FilesystemStorage.available

        def die(*arguments):
            if os.getpid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)
            return available(*arguments)
        with mock.patch.object(FilesystemStorage, 'available', die):
            self.assert_verdict('FAIL', self.name, 'died', self.examined())

    def test_a_reader_can_not_be_had_is_a_failure(self):
        with mock.patch('os.fork', failing(errno.EAGAIN)):
            self.assert_verdict('FAIL', self.name, 'Resource temporarily', self.examined())

    def test_a_writer_that_fails_leaves_no_reader_behind(self):
        assign = FilesystemStorage.assign
        forked, original = [], os.fork

        def fork():
            forked.append(original())
            return forked[-1]

        def fail(*arguments):
            if forked:
                raise OSError(errno.EIO, 'Input/output error')
            assign(*arguments)
        with mock.patch('os.fork', fork):
            with mock.patch.object(FilesystemStorage, 'assign', fail):
                self.assert_verdict('FAIL', self.name, 'Input/output error', self.examined())
        self.assertRaises(OSError, os.kill, forked[0], 0)

    def test_what_nfs_does_under_a_reader_is_a_warning(self):
        for kind in ('nfs', 'nfs4'):
            with on(kind, 'lookupcache=pos'):
                self.assertEqual('ok', self.verdict(self.name, self.examined()))
                report = self.without_it()
            self.assert_verdict('warn', self.name, 'as NFS has it', report)
            self.assertEqual(0, self.status)


class OptionalTest(CheckTestCase):

    def test_links_that_can_not_be_had_are_a_warning_and_other_errors_failures(self):
        self.assertEqual('ok', self.verdict('hard links', self.examined()))
        for number in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO, errno.EXDEV,
                       errno.EMLINK):
            with mock.patch('os.link', failing(number)):
                report = self.examined()
            self.assert_verdict('warn', 'hard links', 'by hand', report)
            self.assertEqual(0, self.status)
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            with mock.patch('os.link', failing(number)):
                report = self.examined()
            self.assert_verdict('FAIL', 'hard links', os.strerror(number), report)
            self.assertEqual(1, self.status)

    def test_attributes_that_can_not_be_had_are_a_warning(self):
        name = 'extended attributes'
        kept = {}

        def keep(fd, key, value):
            kept[key] = value
        with self.attributes(keep, lambda fd, key: kept[key]):
            self.assert_verdict('ok', name, ' yes', self.examined())
        with self.attributes(keep, lambda fd, key: b'other'):
            self.assert_verdict('warn', name, ' no (other bytes', self.examined())
        for number in ERRORS:
            with self.attributes(failing(number), None):
                report = self.examined()
            self.assert_verdict('warn', name, ' no (%s): objects are stored without a digest'
                                % os.strerror(number), report)
            self.assertEqual(0, self.status)

    def attributes(self, set_attribute, get_attribute):
        return mock.patch.multiple('mezeo_fsstore.admin.check_offers',
                                   set_attribute=set_attribute, get_attribute=get_attribute)

    def test_reflink_is_optional(self):
        for number in ERRORS:
            with self.cloning(failing(number)):
                report = self.examined()
            self.assert_verdict('ok', 'copies that share blocks (reflink)',
                                ' no (%s)' % os.strerror(number), report)
            self.assertEqual(0, self.status)

    def cloning(self, clone):
        original = fcntl.ioctl

        def ioctl(fd, request, *arguments):
            call = clone if request == disk.FICLONE else original
            return call(fd, request, *arguments)
        return mock.patch('fcntl.ioctl', ioctl)

    def test_a_clone_must_hold_the_bytes(self):
        def copy(target, _, source):
            os.write(target, os.read(source, 10000))
            os.lseek(target, 0, os.SEEK_SET)
        name = 'copies that share blocks (reflink)'
        for clone, answer in ((copy, 'yes'), (lambda *_: None, 'no (other bytes come back)')):
            with self.cloning(clone):
                self.assert_verdict('ok', name, ' ' + answer, self.examined())

    def test_direct_reads_are_optional(self):
        original = os.open
        for number in ERRORS:
            def refuse(path, flags, *arguments):
                if flags & os.O_DIRECT:
                    raise OSError(number, os.strerror(number))
                return original(path, flags, *arguments)
            with mock.patch('os.open', refuse):
                report = self.examined()
            self.assert_verdict('ok', 'direct reads', ' no (%s)' % os.strerror(number), report)
            self.assertEqual(0, self.status)

    def test_direct_reads_must_give_the_bytes(self):
        original = os.open
        for other, answer in ((None, 'yes'), ('/dev/zero', 'no (other bytes')):
            def open_other(path, flags, *arguments):
                if flags & os.O_DIRECT:
                    return original(other or path, os.O_RDONLY)
                return original(path, flags, *arguments)
            with mock.patch('os.open', open_other):
                self.assert_verdict('ok', 'direct reads', ' ' + answer, self.examined())


class NfsTest(CheckTestCase):

    name = 'new names are seen at once'

    def test_a_mount_that_believes_in_missing_names_is_a_warning(self):
        for kind in ('nfs', 'nfs4'):
            for options in (['rw', 'vers=4.2'], ['lookupcache=all'], ['actimeo=3']):
                with on(kind, *options):
                    report = self.examined()
                self.assert_verdict('warn', self.name, 'lookupcache=positive', report)
                self.assertEqual(0, self.status)

    def test_one_that_looks_again_is_well(self):
        for option in ('lookupcache=pos', 'lookupcache=none', 'noac'):
            with on('nfs4', 'rw', option):
                self.assertEqual('ok', self.verdict(self.name, self.examined()))

    def test_elsewhere_nothing_is_said_of_it(self):
        with on('ext4'):
            self.assertFalse(self.name in self.examined())
