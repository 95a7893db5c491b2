"""`sweep`: what crashed writers, and a `check` that was killed, have left, and nothing else."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time

from mezeo_fsstore import names
from mezeo_fsstore.admin import inventory
from tests.command.test_listing import DAY
from tests.command.test_walks import WalkTestCase
from tests.support import entries_of, find_program, mark, mock, mounted, run_python


class SweepTest(WalkTestCase):

    def setUp(self):
        super(SweepTest, self).setUp()
        self.old = self.plant('003/.%s.%s' % ('a' * 32, 'b' * 16), b'x' * 10, age=DAY + 60)
        self.young = self.plant('003/.%s.%s' % ('a' * 32, 'c' * 16), b'x' * 100, age=DAY - 60)
        self.addCleanup(shutil.rmtree, os.path.join(self.root, '003'), ignore_errors=True)

    def swept(self, *arguments):
        """Return the last line of a sweep, and whether old and young are still there."""
        lines = self.succeeds('sweep', self.root, *arguments).splitlines()
        return lines[-1], os.path.exists(self.old), os.path.exists(self.young)

    def test_it_removes_nothing_unless_it_is_told_to(self):
        self.assertEqual(('1 temporary, 10 bytes: would be removed with --delete; '
                          '1 younger than 24h kept', True, True),
                         self.swept())

    def test_it_removes_what_is_older_than_a_day(self):
        self.assertEqual(('1 temporary, 10 bytes: removed; 1 younger than 24h kept', False, True),
                         self.swept('--delete'))
        self.assertEqual(('0 temporaries, 0 bytes: removed; 1 younger than 24h kept', False, True),
                         self.swept('--delete'))

    def test_the_age_is_a_number_and_a_unit(self):
        for age, removed in (('86390s', 1), ('1500m', 0), ('25h', 0), ('1d', 1), ('2d', 0),
                             ('23h', 2), ('0s', 2)):
            line = self.swept('--older-than', age)[0]
            self.assertTrue(line.startswith('%d temporar' % removed), (age, line))
        for bad in ('', '5', 'd', '-1d', '1w', '1.5h', '1d\n', '9999999999d'):
            status, _, errors = self.run_command('sweep', self.root, '--older-than=' + bad)
            self.assertEqual(2, status)
            self.assertTrue(b'such as 90m' in errors)

    def test_it_prints_what_it_removes(self):
        output = self.succeeds('sweep', self.root)
        self.assertTrue(re.match('temporary\t"003/[.]a{32}[.]b{16}"\t10\t20', output), output)

    def test_it_harms_nothing_else_however_old(self):
        module_data = self.put()
        os.utime(self.path(module_data), (0, 0))
        os.utime(os.path.join(self.root, '.mezeo_fsstore'), (0, 0))
        foreign = self.plant_foreign()
        for path in foreign:
            if not os.path.islink(os.path.join(self.root, path)):
                os.utime(os.path.join(self.root, path), (0, 0))
        before = sorted(os.walk(self.folder))
        self.swept()
        self.assertEqual(before, sorted(os.walk(self.folder)))
        self.swept('--delete', '--older-than', '0s')
        os.unlink(os.path.join(self.root, '000', '.%s.%s' % ('0' * 32, '0' * 15)))
        self.assertEqual(b'content', self.get(module_data))
        left = [entry.path for entry in entries_of(self.root)
                if entry.kind == inventory.FOREIGN]
        self.assertEqual(sorted(set(foreign) - set(['000/.%s.%s' % ('0' * 32, '0' * 15)])),
                         sorted(left))
        self.assertEqual(['outside', 'root'], sorted(os.listdir(self.folder)))
        self.assertEqual(['0' * 32], os.listdir(os.path.join(self.folder, 'outside')))
        shutil.rmtree(os.path.join(self.root, '000'))

    def test_age_is_judged_by_the_clock_of_the_filesystem(self):
        # This machine's clock is ahead by a year: nothing of today may be taken for old.
        program = ('import sys, time\n'
                   'now = time.time\n'
                   'time.time = lambda: now() + %d\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(["sweep", "--delete", %r]))\n')
        for skew in (365 * DAY, -365 * DAY):
            status, output, errors = run_python('-c', program % (skew, self.root))
            self.assertEqual((0, b''), (status, errors))
            self.assertTrue(os.path.exists(self.young))
        self.assertFalse(os.path.exists(self.old))

    def test_one_that_vanishes_meanwhile_is_no_error_and_not_counted(self):
        program = ('import os, sys\n'
                   'unlink = os.unlink\n'
                   'def twice(path):\n'
                   '    unlink(path)\n'
                   '    unlink(path)\n'
                   'os.unlink = twice\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(["sweep", "--delete", %r]))\n' % self.root)
        status, output, errors = run_python('-c', program)
        self.assertEqual((0, b'0 temporaries, 0 bytes: removed; 1 younger than 24h kept\n', b''),
                         (status, output, errors))

    def test_an_unmounted_volume_is_not_swept(self):
        other = self.registration(root_id='0' * 32)
        self.assertTrue('mount' in self.fails('sweep', other, '--delete'))
        self.assertTrue(os.path.exists(self.old))

    def test_nor_is_one_that_is_unmounted_on_the_way_swept_to_its_end(self):
        def unmount(*arguments):
            if os.path.exists(os.path.join(self.root, names.MARKER)):
                self.unmark()
            return iter([])

        with mock.patch.object(inventory, 'entries_in', unmount):
            status, said = self.run_here('sweep', self.root)
        self.assertEqual(1, status)
        self.assertTrue('has no marker' in said, said)

    def test_what_has_a_time_in_the_future_is_kept_and_said(self):
        future = self.plant('004/.%s.%s' % ('a' * 32, 'd' * 16), age=-3600)
        self.addCleanup(shutil.rmtree, os.path.dirname(future))
        for arguments in ([], ['--delete', '--older-than', '0s']):
            self.assertTrue(self.swept(*arguments)[0].endswith(
                '; 1 from the future kept: see ls --foreign'))
            self.assertTrue(os.path.exists(future))

    def test_what_is_written_while_it_sweeps_is_not_of_the_future(self):
        program = ('import os, sys\n'
                   'from mezeo_fsstore.admin import inventory\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'root, young = sys.argv[1:]\n'
                   'places = inventory.places\n'
                   'def later(*arguments):\n'
                   '    while os.stat(young).st_mtime <= os.stat(root).st_mtime:\n'
                   '        os.utime(young, None)\n'
                   '    return places(*arguments)\n'
                   'inventory.places = later\n'
                   'sys.exit(main(["sweep", root]))\n')
        status, output, errors = run_python('-c', program, self.root, self.young)
        self.assertEqual((0, b''), (status, errors))
        self.assertTrue(output.endswith(b'--delete; 1 younger than 24h kept\n'), output)

    def test_what_can_not_be_removed_is_said_and_the_rest_is_removed(self):
        stuck = self.plant('001/.%s.%s' % ('a' * 32, 'e' * 16), b'x' * 7, age=2 * DAY)
        self.addCleanup(shutil.rmtree, os.path.dirname(stuck))
        self.give_all_to_ordinary_user()
        self.close_shard('001', 0o500)
        output = self.assert_goes_on(
            self.run_as_ordinary_user('sweep', self.root, '--delete'), [stuck], 2)
        self.assertTrue(output.endswith(
            '\n1 temporary, 10 bytes: removed; 1 younger than 24h kept; 1 failure: see above\n'))
        self.assertEqual((True, False), (os.path.exists(stuck), os.path.exists(self.old)))

    def test_so_is_what_is_immutable(self):
        with mounted(self, 'tmpfs', self.root, 'size=1m'):
            mark(self.root)
            stuck, other = [self.plant('00%d/.%s.%s' % (number, 'a' * 32, 'e' * 16), age=2 * DAY)
                            for number in (0, 1)]
            try:
                subprocess.check_call(['chattr', '+i', stuck], stderr=subprocess.PIPE)
            except (EnvironmentError, subprocess.CalledProcessError) as error:
                self.skipTest('nothing can be made immutable here: %s' % error)
            try:
                self.assert_goes_on(self.run_command('sweep', self.root, '--delete'), [stuck], 2)
            finally:
                subprocess.check_call(['chattr', '-i', stuck])
            self.assertEqual((True, False), (os.path.exists(stuck), os.path.exists(other)))

    def test_what_is_in_quarantine_is_not_swept(self):
        paths = [self.plant('%s/003/%s' % (names.QUARANTINE, name), age=2 * DAY)
                 for name in ('a' * 32, '.%s.%s' % ('a' * 32, 'b' * 16))]
        self.assertEqual('1 temporary, 10 bytes: removed; 1 younger than 24h kept',
                         self.swept('--delete')[0])
        self.assertEqual([True, True], [os.path.exists(path) for path in paths])
        os.unlink(paths[1])


class LeftoverTest(WalkTestCase):
    """The small root of a `check` that was killed."""

    def plant_leftover(self, age=2 * DAY):
        """Return the path of one with all that `check` makes; its files have 18 bytes."""
        name = names.new_check_root()
        self.plant('%s/%s' % (name, names.MARKER), b'id')
        self.plant('%s/.%s.%s' % (name, names.MARKER, '1' * 16), b'probe')
        self.plant('%s/3f0/%s' % (name, 'a' * 32), b'content')
        self.plant('%s/3f1/.%s.%s' % (name, 'a' * 32, 'b' * 16), b'part')
        path = os.path.join(self.root, name)
        os.mkdir(os.path.join(path, '3f2'))
        os.utime(path, (time.time() - age, time.time() - age))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def test_it_is_removed_whole(self):
        module_data = self.put()
        old, young = self.plant_leftover(), self.plant_leftover(age=0)
        line = '0 temporaries, 1 folder of check, 16 bytes: %s; 1 younger than 24h kept'
        before = sorted(os.walk(self.root))
        output = self.succeeds('sweep', self.root).splitlines()
        self.assertEqual(line % 'would be removed with --delete', output[-1])
        self.assertEqual(before, sorted(os.walk(self.root)))
        removed = self.succeeds('sweep', self.root, '--delete').splitlines()
        self.assertEqual((line % 'removed', sorted(output[:-1])),
                         (removed[-1], sorted(removed[:-1])))
        self.assertEqual(4, len(removed[:-1]))
        for text in removed[:-1]:
            kind, path = text.split('\t')[:2]
            self.assertEqual('check', kind)
            self.assertEqual(os.path.basename(old), json.loads(path).split('/')[0])
        self.assertEqual((False, True), (os.path.exists(old), os.path.exists(young)))
        self.assertEqual(b'content', self.get(module_data))

    def test_what_check_can_not_have_made_stays_and_is_said(self):
        outside = os.path.join(self.folder, 'outside')
        os.makedirs(os.path.join(outside, '3f5'))
        for name in ('kept', os.path.join('3f5', 'a' * 32)):
            open(os.path.join(outside, name), 'w').close()
        path = self.plant_leftover()
        foreign = [self.plant(os.path.join(path, name)) for name in (
            'note', '3f0/note', '3f1/' + 'a' * 31)]
        foreign += [os.path.join(path, name) for name in ('3f3', '3f0/' + 'b' * 32, 'other', '3f4')]
        os.symlink(os.path.join(outside, '3f5'), foreign[3])
        os.symlink(os.path.join(outside, 'kept'), foreign[4])
        os.mkdir(foreign[5])
        os.mkfifo(foreign[6])
        os.utime(path, (0, 0))
        for number, arguments in ((4, []), (4, ['--delete']), (1, ['--delete'])):
            os.utime(path, (0, 0))
            output = self.assert_goes_on(
                self.run_command('sweep', self.root, *arguments), foreign, number)
            self.assertTrue('0 temporaries, ' in output.splitlines()[-1], output)
        self.assertEqual(sorted(foreign + [os.path.join(path, '3f0'), os.path.join(path, '3f1')]),
                         sorted(os.path.join(folder, name) for folder, folders, files
                                in os.walk(path) for name in folders + files
                                if name != names.MARKER))
        self.assertEqual(['3f5', 'kept'], sorted(os.listdir(outside)))
        self.assertEqual(['a' * 32], os.listdir(os.path.join(outside, '3f5')))

    def test_one_that_can_not_be_read_is_said(self):
        path = self.plant_leftover()
        other = self.plant_leftover()
        self.give_all_to_ordinary_user()
        self.close_shard(os.path.basename(path))
        for folder in (path, other):
            os.utime(folder, (0, 0))
        self.assert_goes_on(self.run_as_ordinary_user('sweep', self.root, '--delete'), [path], 5)
        self.assertEqual((True, False), (os.path.exists(path), os.path.exists(other)))

    def test_no_quarantine_goes_with_it(self):
        path = self.plant_leftover()
        inside = self.plant('%s/%s/3f0/%s' % (path, names.QUARANTINE, 'a' * 32))
        os.utime(path, (0, 0))
        self.assert_goes_on(self.run_command('sweep', self.root, '--delete'), [path], 4)
        self.assertTrue(os.path.exists(inside))

    def test_a_link_that_is_called_like_one_is_left(self):
        outside = os.path.join(self.folder, 'outside')
        os.makedirs(os.path.join(outside, '3f0'))
        open(os.path.join(outside, '3f0', 'a' * 32), 'w').close()
        link = os.path.join(self.root, names.new_check_root())
        os.symlink(outside, link)
        self.assertEqual('0 temporaries, 0 bytes: removed\n', self.succeeds(
            'sweep', self.root, '--delete', '--older-than', '0s'))
        self.assertEqual((True, ['3f0']), (os.path.islink(link), os.listdir(outside)))


class RecoveryTest(WalkTestCase):
    """On a volume on which nothing can be made any more."""

    @contextlib.contextmanager
    def full(self, kind):
        """Mount a full filesystem with a marker and a temporary, whose path the `with` gets."""
        image, source = os.path.join(self.folder, 'image'), 'mezeo_fsstore-test'
        options = 'size=1m,nr_inodes=50'
        if kind != 'tmpfs':
            make, source, options = find_program('mkfs.' + kind), image, 'loop'
            if make is None:
                self.skipTest('mkfs.%s is not installed' % kind)
            with open(image, 'wb') as volume:
                volume.truncate(4 * 1024 ** 2)
            subprocess.check_call([make, '-q', '-m', '0', '-N', '50', image])
        with mounted(self, kind, self.root, options, source):
            mark(self.root)
            old = self.plant('003/.%s.%s' % ('a' * 32, 'b' * 16), b'x' * 65536, age=2 * DAY)
            with open(os.path.join(self.root, 'filler'), 'wb', 0) as filler:
                self.assertTrue('No space' in str(self.raised(
                    EnvironmentError, self.repeat, lambda number: filler.write(b'x' * 512))))
            self.assertTrue('No space' in str(self.raised(
                EnvironmentError, self.repeat,
                lambda number: open(os.path.join(self.root, 'filler%d' % number), 'w').close())))
            volume = os.statvfs(self.root)
            self.assertEqual((0, 0), (volume.f_bavail, volume.f_ffree))
            yield old

    def repeat(self, step):
        for number in range(100000):
            step(number)

    def test_sweep_frees_a_volume_without_an_inode_and_a_byte(self):
        for kind in ('tmpfs', 'ext4'):
            with self.full(kind) as old:
                registered = self.succeeds('init', self.root)
                self.assertEqual('1 temporary, 65536 bytes: would be removed with --delete',
                                 self.succeeds('sweep', self.root).splitlines()[-1])
                self.assertEqual('1 temporary, 65536 bytes: removed',
                                 self.succeeds('sweep', self.root, '--delete').splitlines()[-1])
                self.assertFalse(os.path.exists(old))
                self.assertTrue(os.statvfs(self.root).f_bavail > 0)
                self.assertEqual(registered, self.succeeds('init', self.root))

    def test_init_of_a_marked_root_only_reads(self):
        with self.full('tmpfs'):
            expected = self.succeeds('init', self.root)
            subprocess.check_call(['mount', '-o', 'remount,ro', self.root])
            before = os.stat(self.root).st_mtime
            self.assertEqual(expected, self.succeeds('init', self.root))
            self.assertEqual(before, os.stat(self.root).st_mtime)

    def test_a_read_only_volume_is_listed_and_not_swept(self):
        with self.full('tmpfs') as old:
            subprocess.check_call(['mount', '-o', 'remount,ro', self.root])
            status, output, errors = self.run_command('sweep', self.root)
            self.assertEqual((0, 1), (status, errors.count(b'\n')), errors)
            self.assertTrue(b'clock of this machine' in errors and b'Read-only' in errors, errors)
            self.assertTrue(output.startswith(b'temporary\t"003/'), output)
            self.assertTrue(output.endswith(b'1 temporary, 65536 bytes: would be removed with '
                                            b'--delete\n'), output)
            status, output, errors = self.run_command('sweep', self.root, '--delete')
            self.assertEqual((1, b'', 1), (status, output, errors.count(b'\n')))
            self.assertTrue(b'Read-only' in errors, errors)
            self.assertTrue(os.path.exists(old))

    def test_who_has_no_rights_to_write_lists_and_does_not_sweep(self):
        if os.geteuid() != 0:
            self.skipTest('the root is to belong to another user')
        self.let_all_in()
        old = self.plant('003/.%s.%s' % ('a' * 32, 'b' * 16), b'x', age=2 * DAY)
        self.addCleanup(shutil.rmtree, os.path.dirname(old))
        for path in (self.root, os.path.dirname(old)):
            os.chmod(path, 0o755)
        status, output, errors = self.run_as_ordinary_user('sweep', self.root)
        self.assertEqual((0, 1), (status, errors.count(b'\n')), errors)
        self.assertTrue(b'clock of this machine' in errors, errors)
        self.assertTrue(b'1 temporary, 1 byte: would be' in output, output)
        status, output, errors = self.run_as_ordinary_user('sweep', self.root, '--delete')
        self.assertEqual((1, b'', 1), (status, output, errors.count(b'\n')))
        self.assertTrue(os.path.exists(old))

    def test_it_makes_no_file_to_tell_the_age(self):
        with mock.patch('mezeo_fsstore.disk.create', side_effect=AssertionError):
            self.assertEqual((0, ''), self.run_here('sweep', self.root))
            self.assertEqual((0, ''), self.run_here('sweep', '--delete', self.root))
