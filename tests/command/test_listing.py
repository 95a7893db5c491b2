"""`ls`, `sweep`, `df`: what lies in a root, told apart, while it changes, however much it is."""

import json
import os
import re
import shutil
import tempfile
import time

from mezeo_fsstore.admin import inventory
from mezeo_fsstore.root import Root
from tests.support import CommandTestCase, mark, mock, mounted, path_in, run_python

DAY = 24 * 3600


class ListingTestCase(CommandTestCase):

    def plant(self, path, content=b'', age=0):
        """Make the file `path` in the root, last changed so many seconds ago."""
        full = os.path.join(self.root, path)
        if not os.path.isdir(os.path.dirname(full)):
            os.makedirs(os.path.dirname(full))
        with open(full, 'wb') as stream:
            stream.write(content)
        os.utime(full, (time.time() - age, time.time() - age))
        return full

    def plant_foreign(self):
        """Plant all kinds of things that are no object; return their paths, in order."""
        outside = os.path.join(self.folder, 'outside')
        os.mkdir(outside)
        with open(os.path.join(outside, '0' * 32), 'w') as stream:
            stream.write('outside')
        os.mkdir(os.path.join(self.root, 'lost+found'))
        self.plant('lost+found/not entered')
        self.plant('two\nlines\tand a tab')
        self.plant('000/' + '0' * 31)
        self.plant('000/' + '0' * 32 + '.dat')
        self.plant('000/.%s.%s' % ('0' * 32, '0' * 15))
        self.plant('000/.%s.%sx' % ('0' * 32, '0' * 16))
        os.mkdir(os.path.join(self.root, '000', '1' * 32))
        os.mkdir(os.path.join(self.root, '000', '.%s.%s' % ('1' * 32, '1' * 16)))
        os.symlink(os.path.join(outside, '0' * 32), os.path.join(self.root, '000', '2' * 32))
        os.symlink(os.path.join(outside, '0' * 32),
                   os.path.join(self.root, '000', '.%s.%s' % ('2' * 32, '2' * 16)))
        os.mkfifo(os.path.join(self.root, '000', '3' * 32))
        os.symlink(outside, os.path.join(self.root, '001'))
        self.plant('002')
        return sorted(['lost+found', 'two\nlines\tand a tab', '000/' + '0' * 31,
                       '000/' + '0' * 32 + '.dat', '000/.%s.%s' % ('0' * 32, '0' * 15),
                       '000/.%s.%sx' % ('0' * 32, '0' * 16), '000/' + '1' * 32,
                       '000/.%s.%s' % ('1' * 32, '1' * 16), '000/' + '2' * 32,
                       '000/.%s.%s' % ('2' * 32, '2' * 16), '000/' + '3' * 32, '001', '002'])


class LsTest(ListingTestCase):

    def test_a_line_is_module_data_size_and_time(self):
        module_data = self.put(b'x' * 12)
        os.utime(self.path(module_data), (0, 1338552000.5))
        self.assertEqual('%s\t12\t2012-06-01T12:00:00Z\n' % module_data,
                         self.succeeds('ls', self.root))

    def test_its_lines_serve_get_size_and_rm(self):
        made = [self.put(b'x' * number) for number in range(3)]
        for arguments in ([], ['--json']):
            lines = self.succeeds('ls', self.root, *arguments).splitlines()
            self.assertEqual(3, len(lines))
            for line in lines:
                size = int(self.succeeds('size', self.root, line))
                self.assertEqual('x' * size, self.succeeds('get', self.root, line))
        for line in lines:
            self.succeeds('rm', self.root, line)
        self.assertEqual([False] * 3, [self.storage.available(None, one) for one in made])

    def test_json_is_an_object_a_line(self):
        module_data = self.put(b'x' * 12)
        os.utime(self.path(module_data), (0, 1338552000.5))
        line = self.succeeds('ls', self.root, '--json')
        self.assertEqual({'path': path_in(module_data), 'size': 12, 'mtime': 1338552000.5},
                         json.loads(line))
        self.assertEqual(1, line.count('\n'))

    def test_an_empty_root_is_no_line(self):
        mark(self.root)
        os.mkdir(os.path.join(self.root, '000'))
        self.assertEqual('', self.succeeds('ls', self.root))

    def test_what_is_no_object_is_told_apart_and_counted(self):
        module_data = self.put()
        mark(self.root)
        foreign = self.plant_foreign()
        temporaries = sorted([self.plant('003/.%s.%s' % ('a' * 32, 'b' * 16), b'half'),
                              self.plant('..mezeo_fsstore.' + 'c' * 16)])
        self.assertEqual(path_in(module_data),
                         path_in(self.succeeds('ls', self.root).split('\t')[0]))
        status, output, errors = self.run_command('ls', self.root, '--foreign')
        self.assertEqual((0, '2 temporaries, %d foreign; 1 object\n' % len(foreign)),
                         (status, errors.decode('ascii')))
        found = [line.split('\t') for line in output.decode('ascii').splitlines()]
        self.assertEqual(foreign, sorted(
            json.loads(path) for kind, path, _, _ in found if kind == 'foreign'))
        self.assertEqual([os.path.relpath(path, self.root) for path in temporaries], sorted(
            json.loads(path) for kind, path, _, _ in found if kind == 'temporary'))
        status, output, _ = self.run_command('ls', self.root, '--foreign', '--json')
        lines = [json.loads(line.decode('ascii')) for line in output.splitlines()]
        self.assertEqual(foreign, sorted(
            line['path'] for line in lines if line['kind'] == 'foreign'))
        self.assertEqual([0, 4], sorted(
            line['size'] for line in lines if line['kind'] == 'temporary'))
        for path in temporaries:
            os.unlink(path)
        shutil.rmtree(os.path.join(self.root, '000'))

    def test_a_name_that_is_no_text_is_listed_in_any_locale(self):
        name = os.path.join(self.root.encode('ascii'), b'\xff\xe4')
        open(name, 'w').close()
        for locale in ('C', 'C.UTF-8'):
            status, output, _ = self.run_command('ls', self.root, '--foreign', environment={
                'LC_ALL': locale, 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'})
            self.assertEqual((0, 1), (status, output.count(b'\n')))

    def test_a_directory_that_can_not_be_read_is_a_failure_that_names_it(self):
        self.put()
        with mock.patch('mezeo_fsstore.disk.iterate_names', side_effect=OSError(5, 'x', 'path')):
            error = self.raised(EnvironmentError, list, inventory.entries(Root(self.root)))
        self.assertEqual('path', error.filename)

    def test_what_vanishes_and_appears_meanwhile_is_no_error(self):
        for shard in ('000', '001', '002'):
            for digit in '0123456789':
                self.plant('%s/%s' % (shard, digit * 32))
        found = inventory.entries(Root(self.root))
        next(found)
        for shard in ('000', '001', '002'):
            shutil.rmtree(os.path.join(self.root, shard))
        os.mkdir(os.path.join(self.root, '003'))
        list(found)
        # A shard that is no directory any more when it is opened.
        self.plant('004/' + '0' * 32)
        with mock.patch('mezeo_fsstore.disk.iterate_names', side_effect=[
                iter(['004']), OSError(20, 'Not a directory')]):
            self.assertEqual([], list(inventory.entries(Root(self.root))))

    def test_200000_objects_take_no_more_memory_than_200(self):
        if os.access('/dev/shm', os.W_OK):
            # Of memory, in which so many are made and removed at once.
            self.root = tempfile.mkdtemp(dir='/dev/shm')
            self.addCleanup(shutil.rmtree, self.root)
        mark(self.root)
        program = ('import re, sys\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'for arguments in (["ls"], ["sweep", "--delete"]):\n'
                   '    assert main(arguments + [%r]) == 0\n'
                   'with open("/proc/self/status") as status:\n'
                   '    peak = re.search("VmHWM:\\\\s*([0-9]+) kB", status.read()).group(1)\n'
                   'sys.stderr.write(peak)\n' % self.root)
        peaks = []
        for shards in (1, 1000):
            for shard in range(shards):
                folder = os.path.join(self.root, '%03x' % shard)
                if not os.path.isdir(folder):
                    os.mkdir(folder)
                    # Links are made much faster than files, and are as good here.
                    first = self.plant('%03x/%032x' % (shard, 0))
                    for number in range(1, 200):
                        os.link(first, os.path.join(folder, '%032x' % number))
            status, output, peak = run_python('-c', program)
            self.assertEqual(0, status, peak)
            self.assertEqual(200 * shards + 1, output.count(b'\n'))
            peaks.append(int(peak))
        self.assertTrue(peaks[1] - peaks[0] < 1024, 'KiB: %s' % peaks)


class SweepTest(ListingTestCase):

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
        self.assertEqual(('1 temporary, 10 bytes: would be removed with --delete', True, True),
                         self.swept())

    def test_it_removes_what_is_older_than_a_day(self):
        self.assertEqual(('1 temporary, 10 bytes: removed', False, True), self.swept('--delete'))
        self.assertEqual(('0 temporaries, 0 bytes: removed', False, True), self.swept('--delete'))

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
        mark(self.root)
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
        left = [entry.path for entry in inventory.entries(Root(self.root))
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
        self.assertEqual((0, b'0 temporaries, 0 bytes: removed\n', b''), (status, output, errors))

    def test_an_unmounted_volume_is_not_swept(self):
        root_id = json.dumps({'root_id': '0' * 32})
        self.assertTrue('mount' in self.fails('sweep', self.root, '--delete', '--args', root_id))
        self.assertTrue(os.path.exists(self.old))


class DfTest(ListingTestCase):

    def test_json_is_what_the_module_says(self):
        with mounted(self, 'tmpfs', self.root, 'size=10m,nr_inodes=100'):
            numbers = json.loads(self.succeeds('df', self.root, '--json'))
            self.assertEqual(self.storage.statistics(None), numbers)
            self.assertEqual((10 * 1024 ** 2, 100),
                             (numbers['capacity']['total'], numbers['inodes']['total']))

    def test_the_table_has_percentages(self):
        with mounted(self, 'tmpfs', self.root, 'size=10m,nr_inodes=100'):
            with open(os.path.join(self.root, 'filler'), 'wb') as filler:
                filler.write(b'x' * 4 * 1024 ** 2)
            rows = [line.split() for line in self.succeeds('df', self.root).splitlines()]
        self.assertEqual([['total', 'used', 'free', 'used'],
                          ['bytes', '10.0', 'MiB', '4.0', 'MiB', '6.0', 'MiB', '40%'],
                          ['inodes', '100', '2', '98', '2%']], rows)

    def test_past_the_percentage_to_warn_at_it_fails(self):
        with mounted(self, 'tmpfs', self.root, 'size=10m,nr_inodes=100'):
            with open(os.path.join(self.root, 'filler'), 'wb') as filler:
                filler.write(b'x' * 4 * 1024 ** 2)
            self.succeeds('df', self.root, '--warn', '40')
            line = self.fails('df', self.root, '--warn', '39.5')
            self.assertTrue('39.5% of the bytes of ' + self.root in line, line)
            self.assertTrue('bytes and the inodes' in self.fails('df', self.root, '--warn', '1'))
            status, output, _ = self.run_command('df', self.root, '--json', '--warn', '1')
            self.assertEqual((1, 2), (status, len(json.loads(output.decode('ascii')))))

    def test_what_is_unknown_is_a_dash_and_no_alarm(self):
        with mounted(self, 'proc', self.root, ''):
            output = self.succeeds('df', self.root, '--warn', '0')
            self.assertEqual([['bytes', '-', '-', '-', '-'], ['inodes', '-', '-', '-', '-']],
                             [line.split() for line in output.splitlines()[1:]])

    def test_an_unmounted_volume_has_no_numbers(self):
        root_id = json.dumps({'root_id': '0' * 32})
        self.assertTrue('mount' in self.fails('df', self.root, '--args', root_id))

    def test_a_percentage_is_a_number_from_0_to_100(self):
        for bad in ('', 'x', '101', '-1', '1e1', 'nan', '5%'):
            status, _, errors = self.run_command('df', self.root, '--warn=' + bad)
            self.assertEqual(2, status)
