"""`check`: a sound root passes, and each fault is told with its cure."""

import errno
import os
import re
import signal
import stat
import subprocess
import sys

from mezeo_fsstore import FilesystemStorage
from mezeo_fsstore.admin import checking, command_line
from mezeo_fsstore.root import Root
from tests import Stream
from tests.support import (
    PROJECT, CommandTestCase, environment, heed_interrupts, mark, mock, mounted, run_python,
    unittest)


class CheckTest(CommandTestCase):

    def failing(self, *arguments):
        """Return the report of a check that must fail."""
        status, output, errors = self.run_command('check', *arguments)
        self.assertEqual((1, b''), (status, errors), output)
        report = output.decode('utf-8')
        self.assertTrue(report.endswith('FAILED: see above\n'), report)
        return report

    def examined(self):
        """Return the report of an examination in this process, where faults can be made."""
        with mock.patch.object(sys, 'stdout') as stdout:
            self.passed = checking.examine(Root(self.root), self.storage, self.make(durable=False))
        return ''.join(call[0][0] for call in stdout.write.call_args_list)

    def line(self, name, report):
        return re.search('^(ok|warn|FAIL) +%s .*$' % re.escape(name), report, re.M).group(0)

    def test_a_sound_root_passes_and_nothing_stays(self):
        root_id = mark(self.root)
        report = self.succeeds('check', self.root)
        self.assertEqual(28, len(re.findall(r'^ok    .* [0-9]+\.[0-9]{3} ms$', report, re.M)))
        for name, answer in (
                ('marker', root_id), ('bytes free', 'of'), ('inodes free', ''),
                ('rights', 'user %d' % os.geteuid()), ('clock', 'agrees'), ('put 4 KiB', 'ms'),
                ('get 16 MiB', 'ms'), ('sync of directories', ''), ('extended attributes', ''),
                ('copies that share blocks (reflink)', '')):
            self.assertTrue(answer in self.line(name, report), report)
        self.assertFalse('FAIL' in report)
        self.assertTrue(report.endswith('all is well\n'))
        self.assertEqual([], self.files())

    def test_a_root_behind_a_symbolic_link_is_as_good(self):
        link = os.path.join(self.folder, 'link')
        os.symlink(self.root, link)
        self.assertEqual(self.line('sync of directories', self.succeeds('check', self.root)),
                         self.line('sync of directories', self.succeeds('check', link)))

    def test_one_life_is_durable_and_the_other_not(self):
        with mock.patch('mezeo_fsstore.admin.checking.examine') as examine:
            command_line.main(['check', self.root])
        (_, durable, volatile), _ = examine.call_args
        for storage, synced in ((durable, True), (volatile, False)):
            with mock.patch('os.fsync') as fsync:
                storage.put(None, Stream(b'content'))
            self.assertEqual(synced, fsync.called)

    def test_the_life_without_sync_makes_no_directory(self):
        # Another module over the root would take it for one that is on the disk.
        made = []
        original = os.mkdir

        def mkdir(path, mode):
            made.append(mode)
            original(path, mode)
        with mock.patch('os.mkdir', mkdir):
            self.examined()
        self.assertTrue(made and all(mode & stat.S_ISVTX for mode in made), made)

    def test_it_tells_whether_the_filesystem_clones(self):
        for effect, answer in ((None, 'yes'), (OSError(errno.EOPNOTSUPP, 'x'), 'no'),
                               (OSError(errno.ENOTTY, 'x'), 'no')):
            with mock.patch('fcntl.ioctl', side_effect=effect):
                line = self.line('copies that share blocks (reflink)', self.examined())
            self.assertTrue(line.endswith(' ' + answer), line)
        with mock.patch('fcntl.ioctl', side_effect=OSError(errno.EIO, 'x')):
            self.examined()
        self.assertFalse(self.passed)

    def test_a_root_without_a_marker_is_a_warning(self):
        self.unmark()
        self.assertTrue('run init' in self.line('marker', self.succeeds('check', self.root)))

    def test_the_marker_of_another_root_is_a_failure(self):
        mine = mark(self.root)
        report = self.failing(self.registration(root_id='0' * 32))
        self.assertTrue(mine in self.line('marker', report))
        self.assertTrue('mount the right volume' in self.line('marker', report))

    def test_a_file_that_does_not_fit_is_a_failure_and_nothing_stays(self):
        # The quota of a process is the fault that needs no rights: 16 MiB do not fit.
        program = ('import resource, signal, sys\n'
                   'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
                   'resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000))\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(["check", %r]))\n' % self.root)
        status, output, errors = run_python('-c', program)
        self.assertEqual((1, b''), (status, errors))
        report = output.decode('utf-8')
        self.assertEqual(2, len(re.findall('^FAIL  put 16 MiB .*File too large.*$', report, re.M)))
        self.assertTrue(report.endswith('FAILED: see above\n'))
        self.assertEqual([], self.files())

    def test_a_full_volume_is_a_failure_that_names_the_cure(self):
        with mounted(self, 'tmpfs', self.root, 'size=8m'):
            report = self.failing(self.root)
            self.assertTrue('No space left' in self.line('put 16 MiB', report))
            self.assertTrue('see df' in self.line('put 16 MiB', report))
            with open(os.path.join(self.root, 'filler'), 'wb') as filler:
                filler.write(b'x' * 8 * 1024 * 1024)
            self.assertTrue('see df' in self.line('bytes free', self.failing(self.root)))

    def test_a_volume_without_inodes_is_a_failure_that_names_the_cure(self):
        with mounted(self, 'tmpfs', self.root, 'nr_inodes=3'):
            for number in range(2):
                open(os.path.join(self.root, str(number)), 'w').close()
            report = self.failing(self.root)
            self.assertTrue('no inodes are left' in self.line('inodes free', report))
            self.assertTrue('no inodes are left' in self.line('put 4 KiB', report))

    def test_a_read_only_volume_is_a_failure_that_names_the_cure(self):
        with mounted(self, 'tmpfs', self.root, 'ro'):
            self.assertTrue('remount' in self.line('rights', self.failing(self.root)))

    @unittest.skipUnless(os.geteuid() == 0, 'only the superuser can make what others own')
    def test_a_directory_of_another_user_is_a_failure_that_names_the_cure(self):
        self.let_all_in()
        self.put()
        os.chown(self.root, 65534, 65534)
        program = ('import sys, encodings.ascii, encodings.latin_1\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(["check", %r]))\n' % self.root)
        status, output, errors = run_python('-c', program)
        self.assertEqual((1, b''), (status, errors))
        line = self.line('rights', output.decode('utf-8'))
        self.assertTrue('user 65534 can not use what user 0 owns' in line, line)
        self.assertTrue('chown' in line)

    def test_a_clock_that_differs_is_a_warning(self):
        for skew, words in ((100, ' s ahead'), (-3600, ' s behind')):
            with mock.patch('mezeo_fsstore.disk.status_of_name', self.skewed(skew)):
                line = self.line('clock', self.examined())
            self.assertTrue(line.startswith('warn') and words in line and 'NTP' in line, line)

    def skewed(self, seconds):
        original = os.lstat

        def status(path):
            fields = list(original(path))
            fields[stat.ST_MTIME] += seconds
            return os.stat_result(fields)
        return status

    def test_a_filesystem_without_sync_of_directories_is_a_warning(self):
        original = os.fsync

        def fsync(fd):
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, 'Invalid argument')
            original(fd)
        with mock.patch('os.fsync', fsync):
            line = self.line('sync of directories', self.examined())
        self.assertTrue(line.startswith('warn') and 'may be lost' in line, line)
        self.assertTrue(self.passed)

    def test_a_volume_that_is_nearly_full_is_a_warning(self):
        numbers = {'total': 1000 * 1024 ** 3, 'free': 49 * 1024 ** 3, 'used': 951 * 1024 ** 3}
        inodes = {'total': -1, 'free': -1, 'used': -1}
        with mock.patch.object(FilesystemStorage, 'statistics', lambda *_: {
                'capacity': numbers, 'inodes': inodes}):
            report = self.examined()
        line = self.line('bytes free', report)
        self.assertTrue(line.startswith('warn') and '49.0 GiB of 1000.0 GiB' in line, line)
        self.assertTrue('unknown' in self.line('inodes free', report))

    def test_a_storage_that_breaks_its_word_is_found_and_nothing_stays(self):
        # No filesystem here does that, so the storage is made to.
        for name, broken in (('available', lambda *_: True), ('get_size', lambda *_: 5),
                             ('get_read_stream', lambda *_: open(os.devnull, 'rb')),
                             ('assign', lambda *_: None)):
            with mock.patch.object(FilesystemStorage, name, broken):
                self.assertTrue('FAIL' in self.examined())
            self.assertFalse(self.passed, name)
            self.assertEqual([], self.files(), name)
        with mock.patch.object(FilesystemStorage, 'delete', lambda *_: None):
            self.examined()
        self.assertFalse(self.passed)

    def test_an_interrupted_check_leaves_nothing(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = subprocess.Popen(
                [sys.executable, '-m', 'mezeo_fsstore', 'check', self.root],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(PROJECT),
                preexec_fn=heed_interrupts)
            while b'put 4 KiB' not in process.stdout.readline():
                self.assertTrue(process.poll() is None, 'it ended early')
            process.send_signal(number)
            _, errors = process.communicate()
            self.assertEqual((status, b''), (process.returncode, errors))
            self.assertEqual([], self.files())
