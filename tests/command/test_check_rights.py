"""`check`: whether the user of the server can use all that lies in the root."""

import errno
import os
import stat
import subprocess

from mezeo_fsstore import disk
from tests.command.check_cases import CheckTestCase, failing
from tests.support import find_program, mock, mounted, run_python

NOBODY = 65534


class RightsTest(CheckTestCase):

    def as_owner(self, owner):
        """Return the report of the superuser's check of a root that belongs to the user `owner`."""
        if os.geteuid() != 0:
            self.skipTest('only the superuser can act as another user')
        self.let_all_in()
        os.chown(self.root, owner, owner)
        program = ('import sys, encodings.ascii, encodings.latin_1, encodings.utf_8\n'
                   'from mezeo_fsstore.admin import check_readers\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'check_readers._DURATION = 0.03\n'
                   'sys.exit(main(["check", %r]))\n' % self.root)
        self.status, output, errors = run_python('-c', program)
        self.assertEqual(b'', errors)
        return output.decode('utf-8')

    def give(self, owner):
        """Give the root, and all in it, to this user."""
        for folder, _, names in os.walk(self.root):
            for path in [folder] + [os.path.join(folder, name) for name in names]:
                os.chown(path, owner, owner)

    def test_what_the_owner_can_use_is_well(self):
        module_data = self.put()
        if os.geteuid() == 0:
            self.give(NOBODY)
        report = self.as_owner(NOBODY)
        self.assertEqual(0, self.status, report)
        self.assert_verdict('ok', 'owner', 'nobody', report)
        self.assert_verdict('ok', 'directories', 'usable by nobody: 1 directory', report)
        self.assert_verdict('ok', 'objects', 'readable by nobody: a sample of 1', report)
        self.assertTrue(os.path.exists(self.path(module_data)))

    def test_a_root_of_the_superuser_is_a_warning(self):
        if os.geteuid() != 0:
            self.skipTest('only the superuser owns such a root here')
        self.assert_verdict('warn', 'owner', 'chown %s' % self.root, self.examined())

    def test_that_the_owner_was_not_asked_is_a_warning(self):
        with mock.patch('os.geteuid', lambda: os.getuid() + 1):
            self.assert_verdict('warn', 'owner', 'was not looked at', self.examined())

    def test_a_directory_that_the_owner_can_not_use_is_a_failure(self):
        shard = os.path.dirname(self.path(self.put()))
        for mode in (0o700, 0o755):
            os.chmod(shard, mode)
            report = self.as_owner(NOBODY)
            self.assert_verdict('FAIL', 'directories', shard + ': nobody can not use it', report)
            self.assert_verdict('FAIL', 'directories', 'chown', report)
            self.assertEqual(1, self.status)

    def test_the_first_of_many_is_named_and_the_others_counted(self):
        for _ in range(3):
            self.put()
        self.assert_verdict('FAIL', 'directories', '(and 2 more)', self.as_owner(NOBODY))

    def test_a_link_or_a_file_in_the_place_of_a_directory_is_a_failure(self):
        elsewhere = os.path.join(self.folder, 'elsewhere')
        os.mkdir(elsewhere)
        shard = os.path.join(self.root, '3f0')
        for plant in (lambda: os.symlink(elsewhere, shard), lambda: open(shard, 'w').close(),
                      lambda: os.symlink('nowhere', shard), lambda: os.mkfifo(shard)):
            plant()
            report = self.examined()
            self.assert_verdict('FAIL', 'directories', shard + ': it must be a directory', report)
            self.assertEqual(1, self.status)
            os.unlink(shard)

    def flagged(self, flag, path):
        """Return the report while chattr has set the flag on `path`."""
        if not find_program('chattr'):
            self.skipTest('there is no chattr')
        process = subprocess.Popen(['chattr', '+' + flag, path], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        output = process.communicate()[0]
        if process.returncode:
            self.skipTest('chattr does not work here: %s' % output.decode('utf-8').strip())
        try:
            return self.examined()
        finally:
            subprocess.check_call(['chattr', '-' + flag, path])

    def test_what_chattr_has_closed_is_a_failure(self):
        path = self.path(self.put())
        for closed, name in ((os.path.dirname(path), 'directories'), (path, 'objects'),
                             (self.root, 'rights')):
            for flag in 'ia':
                report = self.flagged(flag, closed)
                self.assert_verdict('FAIL', name, closed, report)
                self.assert_verdict('FAIL', name, 'chattr -ia', report)

    def test_a_filesystem_without_such_flags_is_well(self):
        self.put()
        with mock.patch('fcntl.ioctl', failing(errno.ENOTTY)):
            report = self.examined()
        for name in ('directories', 'objects'):
            self.assertEqual('ok', self.verdict(name, report))

    def test_an_object_that_the_owner_can_not_read_is_a_failure(self):
        self.put()
        lost = self.path(self.put())
        if os.geteuid() == 0:
            self.give(NOBODY)
            os.chown(lost, 0, 0)  # as the superuser restores it
        report = self.as_owner(NOBODY)
        self.assert_verdict('FAIL', 'objects', '%s: nobody can not read it' % lost, report)
        self.assertEqual(1, self.status)

    def test_an_object_that_can_not_be_read_from_the_disk_is_a_failure(self):
        path = self.path(self.put())
        original = os.read

        def read(fd, size):
            if os.readlink('/proc/self/fd/%d' % fd) == path:
                raise OSError(errno.EIO, 'Input/output error')
            return original(fd, size)
        with mock.patch('os.read', read):
            self.assert_verdict('FAIL', 'objects', 'Input/output error', self.examined())

    def test_a_directory_that_can_not_be_read_from_the_disk_is_a_failure(self):
        shard = os.path.dirname(self.path(self.put()))
        original = os.open

        def fail(path, *arguments):
            if path == shard:
                raise OSError(errno.EIO, 'Input/output error', path)
            return original(path, *arguments)
        with mock.patch('os.open', fail):
            self.assert_verdict('FAIL', 'directories', 'Input/output error', self.examined())

    def test_a_directory_that_can_not_be_listed_is_told_once(self):
        shard = os.path.dirname(self.path(self.put()))
        listdir = disk.listdir
        for number, verdict in ((errno.EACCES, 'ok'), (errno.ENOTDIR, 'ok'), (errno.EIO, 'FAIL')):
            def fail(path):
                if path == shard:
                    raise OSError(number, os.strerror(number), path)
                return listdir(path)
            with mock.patch('mezeo_fsstore.disk.listdir', fail):
                self.assertEqual(verdict, self.verdict('objects', self.examined()))

    def test_only_objects_are_sampled(self):
        path = self.path(self.put())
        foreign = [os.path.join(os.path.dirname(path), 'foreign')]
        foreign.append(os.path.join(self.root, 'foreign'))
        for name in foreign:
            open(name, 'w').close()
            os.chmod(name, 0o644)
        self.assert_verdict('ok', 'objects', 'a sample of 1', self.examined())

    def test_what_is_no_file_in_the_place_of_an_object_is_a_failure(self):
        path = self.path(self.put())
        os.unlink(path)
        for plant, remove in ((lambda: os.symlink('/etc/passwd', path), os.unlink),
                              (lambda: os.mkdir(path), os.rmdir),
                              (lambda: os.mkfifo(path), os.unlink)):
            plant()
            self.assert_verdict('FAIL', 'objects', path, self.examined())
            remove(path)

    def test_an_object_that_was_deleted_meanwhile_is_none(self):
        path = self.path(self.put())
        original = os.lstat

        def lstat(name):
            if name == path and os.path.exists(path):
                os.unlink(path)
            return original(name)
        with mock.patch('os.lstat', lstat):
            self.assert_verdict('ok', 'objects', 'a sample of 0', self.examined())

    def test_another_mode_than_the_registered_one_is_a_warning(self):
        path = self.path(self.put())
        shard = os.path.dirname(path)
        os.chmod(path, 0o666)
        os.chmod(shard, 0o750)
        report = self.examined()
        self.assert_verdict('warn', 'objects', '%s: its mode is 0666, and file_mode is 0600' % path,
                            report)
        self.assert_verdict('warn', 'directories',
                            '%s: its mode is 0750, and dir_mode is 0700' % shard, report)
        report = self.examined(file_mode='0666', dir_mode='0o750')
        for name in ('directories', 'objects'):
            self.assertEqual('ok', self.verdict(name, report))

    def test_a_directory_that_a_crash_has_left_sticky_is_a_warning_where_a_group_writes(self):
        shard = os.path.dirname(self.path(self.put()))
        for mode, verdict in ((0o700, 'ok'), (0o2770, 'warn')):
            os.chmod(shard, mode | stat.S_ISVTX)
            report = self.examined(dir_mode='%04o' % mode)
            self.assertEqual(verdict, self.verdict('directories', report), report)
            self.assertFalse('more)' in report, report)
            os.chmod(shard, mode)
            self.assertEqual('ok', self.verdict('directories', self.examined(
                dir_mode='%04o' % mode)))

    def test_the_sample_is_all_of_a_small_root_and_some_of_each_directory_of_a_large_one(self):
        paths = [self.path(self.put()) for _ in range(20)]
        self.assert_verdict('ok', 'objects', 'a sample of 20', self.examined())
        for number, path in enumerate(paths):
            for name in range(20):
                os.link(path, '%s%012x%020x' % (path[:-32], number, name))
        with mock.patch('mezeo_fsstore.admin.check_rights._SAMPLE', 50):
            with mock.patch('random.shuffle') as shuffle:
                self.examined()
            self.assertTrue(shuffle.called)
            number = int(self.line('objects', self.examined()).split('sample of ')[1].split()[0])
        self.assertTrue(20 <= number <= 50, number)

    def test_a_read_only_volume_is_a_failure_that_names_the_cure(self):
        with mounted(self, 'tmpfs', self.root, 'ro'):
            report = self.failing(self.root)
        self.assert_verdict('FAIL', 'rights', 'remount', report)
        self.assertFalse('a small root' in report, report)

    def test_in_a_root_that_its_user_can_not_use_nothing_is_made(self):
        os.chmod(self.root, 0o500)
        self.addCleanup(os.chmod, self.root, 0o700)
        with mock.patch('os.access', lambda path, mode: False):
            report = self.examined()
        self.assert_verdict('FAIL', 'rights', 'can not use it', report)
        self.assertFalse('a small root' in report, report)
