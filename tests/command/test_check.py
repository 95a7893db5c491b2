"""`check`: its report, what it leaves, and the state of the root."""

import errno
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

from mezeo_fsstore import FilesystemStorage, names
from tests.command.check_cases import CheckTestCase, failing, on
from tests.support import (
    PROJECT, environment, heed_interrupts, mock, mounted, run_python, wait_until)

# The names of all steps, in order, where there is room.
STATE = ['filesystem', 'marker', 'bytes free', 'inodes free', 'clock', 'owner', 'rights',
         'directories', 'objects', 'a small root to work in']
LIFE = ['not there yet', 'put 4 KiB', 'there', 'size', 'get 4 KiB', 'get a range',
        'a writer that fails changes nothing', 'replace it under a reader',
        'delete it under a reader', 'delete it again', 'gone', 'put 16 MiB', 'get 16 MiB',
        'copy 16 MiB', 'delete 16 MiB']
OFFERS = ['modes are kept', 'sync of directories', 'replace it under another process',
          'hard links', 'extended attributes', 'a digest takes no block',
          'hashing (SHA-256)', 'copies that share blocks (reflink)', 'direct reads']

# The command, which stops itself once it has printed the line of a step: before its next call that
# changes something.
STOPPED = '''
import os, signal, sys
from mezeo_fsstore.__main__ import run
from mezeo_fsstore.admin import check_report

step, printed, calls = sys.argv.pop(), check_report._print, {}

def stop_before(call):
    def stop(*arguments):
        for name in calls:
            setattr(os, name, calls[name])
        os.kill(os.getpid(), signal.SIGSTOP)
        return call(*arguments)
    return stop

def print_line(line):
    printed(line)
    if step in line and not calls:
        for name in 'mkdir', 'rename', 'link', 'unlink', 'rmdir', 'fsync':
            calls[name] = getattr(os, name)
            setattr(os, name, stop_before(calls[name]))

check_report._print = print_line
sys.exit(run())
'''


class ReportTest(CheckTestCase):

    def test_a_sound_root_passes_and_nothing_stays(self):
        report = self.succeeds('check', self.root)
        steps = re.findall('^(?:ok|warn)  {1,4}(.{35}) ', report, re.M)
        self.assertEqual(
            STATE + LIFE + LIFE + OFFERS + ['nothing is left'], [step.strip() for step in steps])
        self.assertEqual(32, len(re.findall(r'^ok    .* [0-9]+\.[0-9]{3} ms$', report, re.M)))
        self.assertEqual(
            ['root ' + self.root, 'state', 'life of an object, durable',
             'life of an object, not durable', 'what the filesystem offers'],
            [part.splitlines()[0] for part in report.split('\n\n')[:-1]])
        self.assertTrue(self.root_id in self.line('marker', report))
        looks = self.line('replace it under another process', report).split(' looks')[0].split()
        self.assertTrue(int(looks[-1]) > 1, report)
        self.assertFalse('FAIL' in report)
        self.assertTrue(re.search(r'^all is well(, \d warnings?: see above)?\n\Z', report, re.M))
        self.assertEqual([names.MARKER], os.listdir(self.root))

    def test_the_last_line_counts_the_warnings(self):
        with on('ext4'):
            with mock.patch('os.geteuid', lambda: 1000):
                with mock.patch('os.stat', self.owned_by(1000)):
                    self.assertTrue(self.examined().endswith('\n\nall is well\n'))
        self.assertEqual(0, self.status)
        with on('fuse.x'):
            report = self.examined()
        number = len(re.findall('^warn ', report, re.M))
        self.assertTrue(number >= 1)
        self.assertTrue(report.endswith('\nall is well, %d warning%s: see above\n' % (
            number, 's' if number > 1 else '')), report)
        self.assertEqual(0, self.status)

    def owned_by(self, user):
        original = os.stat

        def status(path, **options):
            fields = list(original(path, **options))
            fields[stat.ST_UID] = user
            return os.stat_result(fields)
        return status

    def test_the_last_line_counts_the_failures(self):
        with mock.patch('os.statvfs', failing(errno.EIO)):
            report = self.examined()
        self.assertTrue(re.search(r'\nFAILED: 2 failures, \d warnings?: see above\n\Z', report))
        self.assertEqual(1, self.status)

    def test_a_root_behind_a_symbolic_link_is_as_good(self):
        link = os.path.join(self.folder, 'link')
        os.symlink(self.root, link)
        reports = [self.succeeds('check', path) for path in (self.root, link)]
        for name in ('filesystem', 'sync of directories', 'directories'):
            self.assertEqual(*[self.line(name, report) for report in reports])

    def test_any_path_is_shown_under_any_encoding(self):
        # A letter that is not ASCII, bytes that are no UTF-8, and what would begin a line.
        root = os.path.join(self.folder.encode('ascii'), b'caf\xc3\xa9 \xff\xfe two\nlines')
        os.makedirs(os.path.join(root, b'000'))
        for broken in (False, True):
            if broken:
                os.mkdir(os.path.join(root, b'000', b'0' * 32))
            for encoding in ('ascii:strict', 'utf-8:strict'):
                status, output, errors = self.run_command('check', root, environment={
                    'PYTHONIOENCODING': encoding, 'LC_ALL': 'C', 'PYTHONUTF8': '0',
                    'PYTHONCOERCECLOCALE': '0'})
                self.assertEqual((int(broken), b''), (status, errors), output)
                last = b'\nFAILED: 1 failure' if broken else b'\nall is well'
                self.assertTrue(last in output, output)
                self.assertEqual(b'', output.splitlines()[1], output)

    def test_one_life_is_durable_and_the_other_not(self):
        synced = {True: 0, False: 0}
        original = FilesystemStorage.assign

        def assign(storage, *arguments):
            with mock.patch('os.fsync') as fsync:
                original(storage, *arguments)
            synced[fsync.called] += 1
        with mock.patch.object(FilesystemStorage, 'assign', assign):
            self.examined()
        self.assertTrue(synced[True] >= 4 and synced[False] >= 4, synced)


class SmallRootTest(CheckTestCase):

    settings = {'dir_mode': '2770'}

    def test_all_that_it_makes_is_in_a_small_root_with_the_modes_of_the_registration(self):
        paths, modes = [], set()
        with mock.patch('os.mkdir', self.recorded('mkdir', paths)):
            with mock.patch('os.open', self.recorded('open', paths, modes)):
                self.examined(dir_mode='2770', file_mode='0640')
        self.assertTrue(len(paths) > 20)
        small = set(path[len(self.root) + 1:].split('/')[0] for path in paths)
        self.assertEqual(1, len(small), small)
        self.assertTrue(names.is_check_root(small.pop()))
        self.assertEqual(set([0o2770]), modes)

    def recorded(self, name, paths, modes=None):
        """Return the call `name` of `os`, which keeps what it makes and the small root's mode."""
        original = getattr(os, name)

        def call(path, *arguments, **options):
            if name == 'mkdir' or arguments[0] & os.O_CREAT:
                paths.append(path)
                if modes is not None:
                    small = path[len(self.root) + 1:].split('/')[0]
                    modes.add(stat.S_IMODE(os.stat(os.path.join(self.root, small)).st_mode))
            return original(path, *arguments, **options)
        return call

    def test_one_that_is_killed_leaves_what_sweep_removes(self):
        for step in ('marker', 'put 4 KiB', 'replace it under a reader', 'get 16 MiB',
                     'modes are kept', 'sync of directories', 'hard links', 'direct reads'):
            process = self.stopped_after(step)
            process.kill()
            process.communicate()
            self.assertEqual(-signal.SIGKILL, process.returncode)
            for name in self.left_over():
                self.assertTrue(names.is_check_root(name), name)
                self.assert_known(os.path.join(self.root, name))
            self.assertEqual(sorted(self.left_over() + [names.MARKER]),
                             sorted(os.listdir(self.root)))
        # What was made within this tick of the clock is not older than it, and a child of the last
        # one may still be at its end.
        wait_until(self.is_swept, 'sweep has removed all')

    def is_swept(self):
        self.run_command('sweep', self.root, '--older-than', '0s', '--delete')
        return os.listdir(self.root) == [names.MARKER]

    def assert_known(self, small):
        for folder, _, files in os.walk(small):
            below = os.path.relpath(folder, small)
            self.assertTrue(below == '.' or names.is_shard(below), below)
            for name in files:
                path = os.path.normpath(os.path.join(below, name))
                self.assertTrue(names.is_object(path) or names.is_temporary(path), path)

    def stopped_after(self, step):
        """Return a process of `check` that has printed the line of this step, and stands still.

        It stands before the next call that changes something. `let_go` lets it go on.
        """
        process = subprocess.Popen(
            [sys.executable, '-c', STOPPED, 'check', self.root, step],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(PROJECT),
            preexec_fn=heed_interrupts)
        self.assertTrue(os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]), step)
        return process

    def let_go(self, process, number=signal.SIGCONT):
        """Let a process that stands still go on, with a signal."""
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)

    def test_an_interrupted_check_leaves_nothing(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for step in ('put 4 KiB', 'sync of directories'):
                process = self.stopped_after(step)
                self.let_go(process, number)
                _, errors = process.communicate()
                self.assertEqual((status, b''), (process.returncode, errors))
                self.assertEqual([names.MARKER], os.listdir(self.root))

    def test_where_the_report_can_not_be_printed_that_is_a_failure_and_nothing_stays(self):
        with open('/dev/full', 'w') as full:
            process = subprocess.Popen(
                [sys.executable, '-m', 'mezeo_fsstore', 'check', self.root], stdout=full,
                stderr=subprocess.PIPE, env=environment(PROJECT))
            _, errors = process.communicate()
        self.assertEqual((1, 1), (process.returncode, errors.count(b'\n')), errors)
        self.assertEqual([names.MARKER], os.listdir(self.root))
        process = self.stopped_after('put 4 KiB')
        process.stdout.close()
        self.let_go(process)
        process.wait()
        process.stderr.close()
        self.assertEqual(1, process.returncode)
        self.assertEqual([names.MARKER], os.listdir(self.root))

    def test_on_another_volume_nothing_is_made(self):
        with mock.patch('os.mkdir') as mkdir:
            report = self.examined(root_id='0' * 32)
        self.assertFalse(mkdir.called)
        self.assert_verdict('FAIL', 'marker', 'mount the right volume', report)
        self.assertEqual(1, self.status)

    def test_where_it_can_not_be_made_that_is_a_failure(self):
        with mock.patch('os.mkdir', failing(errno.ENOSPC)):
            report = self.examined()
        self.assert_verdict('FAIL', 'a small root to work in', 'No space left', report)
        self.assertFalse('put 4 KiB' in report)

    def test_what_can_not_be_removed_is_a_failure(self):
        original, failed = os.rmdir, []

        def rmdir(path):
            if names.is_check_root(os.path.basename(path)) and not failed:
                failed.append(os.listdir(path))
                raise OSError(errno.ENOTEMPTY, 'Directory not empty', path)
            original(path)
        with mock.patch('os.rmdir', rmdir):
            report = self.examined()
        self.assertEqual([[]], failed)
        self.assert_verdict('FAIL', 'nothing is left', '.mezeo_fsstore.check.', report)
        self.assertEqual(1, self.status)

    def test_what_a_step_could_not_remove_is_removed_at_the_end(self):
        with mock.patch('mezeo_fsstore.disk.discard',
                        lambda path, fd=None: fd is not None and os.close(fd)):
            report = self.examined()
        self.assertEqual('ok', self.verdict('nothing is left', report))

    def test_what_it_has_not_made_is_never_removed(self):
        elsewhere = os.path.join(self.folder, 'elsewhere')
        os.mkdir(elsewhere)
        kept = [os.path.join(elsewhere, '123' + '0' * 29)]
        open(kept[0], 'w').close()
        for plant in (self.plant_foreign, self.plant_in_shard,
                      lambda small: self.plant_link(small, elsewhere)):
            report = self.report_with(plant)
            self.assert_verdict('FAIL', 'nothing is left', '.mezeo_fsstore.check.', report)
            self.assertTrue(os.path.lexists(self.planted), self.planted)
            self.assertEqual(kept, [os.path.join(elsewhere, name)
                                    for name in os.listdir(elsewhere)])
            for name in self.left_over():
                shutil.rmtree(os.path.join(self.root, name))

    def report_with(self, plant):
        """Return the report of a check into whose small root `plant` puts something."""
        link, made = os.link, []

        def plant_and_link(source, target):
            if not made:
                made.append(plant(os.path.dirname(source)))
            link(source, target)
        with mock.patch('os.link', plant_and_link):
            with mock.patch.object(self, 'left_over', lambda: []):
                report = self.examined()
        self.planted = made[0]
        return report

    def plant_foreign(self, small):
        path = os.path.join(small, 'foreign')
        os.mkdir(path)
        return path

    def plant_in_shard(self, small):
        shard = [name for name in os.listdir(small) if names.is_shard(name)][0]
        path = os.path.join(small, shard, 'foreign')
        open(path, 'w').close()
        return path

    def plant_link(self, small, elsewhere):
        path = os.path.join(small, '123')
        os.symlink(elsewhere, path)
        return path


class StateTest(CheckTestCase):

    def test_the_filesystem_is_named(self):
        with mounted(self, 'tmpfs', self.root, 'size=8m'):
            line = self.line('filesystem', self.succeeds('check', self.root))
        self.assertTrue('tmpfs' in line and self.root in line, line)
        with mock.patch('mezeo_fsstore.admin.checking.mount_of', lambda path: None):
            report = self.examined()
        self.assert_verdict('warn', 'filesystem', 'unknown', report)
        self.assert_verdict('warn', 'sync of directories', 'the filesystem is unknown', report)

    def test_a_root_without_a_marker_is_a_warning_that_does_not_recommend_to_mark_it(self):
        self.unmark()
        report = self.succeeds('check', self.root)
        self.assert_verdict('warn', 'marker', 'unmounted', report)
        self.assertFalse('init' in report, report)

    def test_the_marker_of_another_root_is_a_failure(self):
        report = self.failing(self.registration(root_id='0' * 32))
        self.assert_verdict('FAIL', 'marker', self.root_id, report)
        self.assertFalse('init' in report, report)

    def test_a_volume_that_can_not_be_asked_how_full_it_is_is_a_failure(self):
        with mock.patch('os.statvfs', failing(errno.EIO)):
            report = self.examined()
        for name in ('bytes free', 'inodes free'):
            self.assert_verdict('FAIL', name, 'Input/output error', report)

    def test_a_filesystem_that_does_not_tell_its_bytes_is_a_warning(self):
        unknown = {'total': -1, 'free': -1, 'used': -1}
        with mock.patch.object(FilesystemStorage, 'statistics', lambda *_: {
                'capacity': unknown, 'inodes': unknown}):
            report = self.examined()
        self.assert_verdict('warn', 'bytes free', 'unknown', report)
        self.assert_verdict('ok', 'inodes free', 'no fixed number', report)
        self.assertTrue('put 1 MiB' in report)

    def test_sums_have_the_unit_that_fits_them(self):
        with mounted(self, 'tmpfs', self.root, 'size=900k,nr_inodes=50'):
            report = self.succeeds('check', self.root)
        self.assert_verdict('ok', 'bytes free', '900.0 KiB of 900.0 KiB', report)
        self.assert_verdict('ok', 'inodes free', '49 of 50', report)

    def test_it_asks_for_no_more_space_than_there_is(self):
        for size, shown in (('100k', '8 KiB'), ('2m', '256 KiB'), ('20m', '2 MiB')):
            with mounted(self, 'tmpfs', self.root, 'size=%s' % size):
                report = self.succeeds('check', self.root)
            for verb in ('put', 'get', 'copy', 'delete'):
                self.assertEqual('ok', self.verdict('%s %s' % (verb, shown), report))

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
        self.assertFalse('get 16 MiB' in report)
        self.assertEqual([names.MARKER], os.listdir(self.root))

    def test_a_full_volume_is_a_failure_that_names_the_cure(self):
        with mounted(self, 'tmpfs', self.root, 'size=8m'):
            with open(os.path.join(self.root, 'filler'), 'wb') as filler:
                filler.write(b'x' * 8 * 1024 * 1024)
            report = self.failing(self.root)
        self.assert_verdict('FAIL', 'bytes free', 'see df', report)
        self.assert_verdict('FAIL', 'put 4 KiB', 'see df', report)

    def test_a_volume_without_inodes_is_a_failure_that_names_the_cure(self):
        with mounted(self, 'tmpfs', self.root, 'nr_inodes=3'):
            for number in range(2):
                open(os.path.join(self.root, str(number)), 'w').close()
            report = self.failing(self.root)
            self.assert_verdict('FAIL', 'inodes free', 'no inodes are left', report)
            self.assert_verdict('FAIL', 'a small root to work in', 'no inodes are left', report)

    def test_a_volume_that_is_nearly_full_is_a_warning(self):
        numbers = {'total': 1000 * 1024 ** 3, 'free': 49 * 1024 ** 3, 'used': 951 * 1024 ** 3}
        inodes = {'total': 1000, 'free': 49, 'used': 951}
        with mock.patch.object(FilesystemStorage, 'statistics', lambda *_: {
                'capacity': numbers, 'inodes': inodes}):
            report = self.examined()
        self.assert_verdict('warn', 'bytes free', '49.0 GiB of 1000.0 GiB', report)
        self.assert_verdict('warn', 'inodes free', '49 of 1000', report)

    def test_a_clock_that_differs_is_a_warning(self):
        for skew, words in ((100, ' s ahead'), (-3600, ' s behind')):
            with mock.patch('mezeo_fsstore.admin.check_state.clock', self.skewed(skew)):
                self.assert_verdict('warn', 'clock', words, self.examined())

    def skewed(self, seconds):
        def clock(root):
            os.utime(root.path, None)
            return os.stat(root.path).st_mtime + seconds
        return clock

    def test_a_clock_that_can_not_be_asked_is_a_failure(self):
        with mock.patch('os.utime', failing(errno.EIO)):
            self.assert_verdict('FAIL', 'clock', 'Input/output error', self.examined())
