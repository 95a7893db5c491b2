"""`ls`: what lies in a root, told apart, while it changes, however much it is."""

import json
import os
import shutil
import sys
import tempfile
import time

from mezeo_fsstore import names
from mezeo_fsstore.admin import command_line, inventory
from mezeo_fsstore.root import Root
from tests.support import (
    CommandTestCase, entries_of, mark, mock, path_in, place_for_many_files, run_python)

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

    def run_here(self, *arguments):
        """Run the command in this process; return its status and what it says of failures."""
        with mock.patch.object(sys, 'stdout'):
            with mock.patch.object(sys, 'stderr') as stderr:
                status = command_line.main(list(arguments))
        return status, ''.join(call[0][0] for call in stderr.write.call_args_list)

    def lists(self, *arguments):
        """Return what `ls` of the root prints, as text; it ends with a count and no failure."""
        status, output, errors = self.run_command('ls', self.root, *arguments)
        self.assertEqual((0, 1), (status, errors.count(b'\n')), errors)
        self.assertTrue(errors.endswith((b' object\n', b' objects\n')), errors)
        return output.decode('ascii')

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
                         self.lists())

    def test_its_lines_serve_get_size_and_rm(self):
        made = [self.put(b'x' * number) for number in range(3)]
        for arguments in ([], ['--json']):
            lines = self.lists(*arguments).splitlines()
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
        line = self.lists('--json')
        self.assertEqual({'path': path_in(module_data), 'size': 12, 'mtime': 1338552000.5},
                         json.loads(line))
        self.assertEqual(1, line.count('\n'))

    def test_an_empty_root_is_no_line(self):
        os.mkdir(os.path.join(self.root, '000'))
        self.assertEqual('', self.lists())

    def test_what_is_no_object_is_told_apart_and_counted(self):
        module_data = self.put()
        foreign = self.plant_foreign()
        temporaries = sorted([self.plant('003/.%s.%s' % ('a' * 32, 'b' * 16), b'half'),
                              self.plant('..mezeo_fsstore.' + 'c' * 16)])
        self.assertEqual(path_in(module_data),
                         path_in(self.lists().split('\t')[0]))
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

    def test_it_ends_with_their_number(self):
        for expected in (b'0 objects\n', b'1 object\n', b'2 objects\n'):
            for arguments in ([], ['--json']):
                status, _, errors = self.run_command('ls', self.root, *arguments)
                self.assertEqual((0, expected), (status, errors))
            self.put()

    def test_an_unmounted_volume_is_not_listed(self):
        other = self.registration(root_id='0' * 32)
        for arguments in ([], ['--foreign']):
            self.assertTrue('mount' in self.fails('ls', other, *arguments))

    def test_nor_is_one_that_is_unmounted_on_the_way_listed_to_its_end(self):
        self.plant('000/' + '0' * 32)

        def unmount(*arguments):
            self.unmark()
            return iter([])

        with mock.patch.object(inventory, 'entries_in', unmount):
            status, said = self.run_here('ls', self.root)
        self.assertEqual(1, status)
        self.assertTrue('has no marker' in said, said)

    def test_what_is_in_quarantine_is_no_object_and_no_foreign_thing(self):
        inside = '%s/3f0/%s' % (names.QUARANTINE, 'a' * 32)
        self.plant(inside, b'damaged')
        self.plant(names.QUARANTINE + '/3f0/' + 'b' * 31)
        os.mkdir(os.path.join(self.root, names.QUARANTINE, '3f1'))
        os.mkdir(os.path.join(self.root, names.QUARANTINE, 'other'))
        os.symlink('3f0', os.path.join(self.root, names.QUARANTINE, '3f2'))
        self.assertEqual('', self.lists())
        status, output, errors = self.run_command('ls', self.root, '--foreign')
        self.assertEqual((0, b'0 temporaries, 1 quarantined, 3 foreign; 0 objects\n'),
                         (status, errors))
        found = sorted(line.split('\t')[:3] for line in output.decode('ascii').splitlines())
        self.assertEqual(['quarantined', json.dumps(inside), '7'], found[-1])
        self.assertEqual(['3f0/' + 'b' * 31, '3f2', 'other'],
                         [json.loads(path)[len(names.QUARANTINE) + 1:] for _, path, _ in found[:3]])

    def test_a_link_in_the_place_of_quarantine_is_foreign_and_not_followed(self):
        outside = os.path.join(self.folder, 'outside')
        os.makedirs(os.path.join(outside, '3f0'))
        open(os.path.join(outside, '3f0', 'a' * 32), 'w').close()
        os.symlink(outside, os.path.join(self.root, names.QUARANTINE))
        output = self.lists('--foreign')
        self.assertEqual(1, output.count('\n'))
        self.assertTrue(output.startswith('foreign\t"%s"\t' % names.QUARANTINE), output)

    def test_what_check_has_left_is_told_apart(self):
        leftover = names.new_check_root()
        self.plant('%s/3f0/%s' % (leftover, 'a' * 32))
        others = [self.plant('.mezeo_fsstore.check.' + '0' * digits) for digits in (15, 16)]
        status, output, errors = self.run_command('ls', self.root, '--foreign')
        self.assertEqual((0, b'0 temporaries, 1 left by check, 2 foreign; 0 objects\n'),
                         (status, errors))
        self.assertEqual([['check', json.dumps(leftover)]],
                         [line.split('\t')[:2] for line in output.decode('ascii').splitlines()
                          if not line.startswith('foreign')])
        for path in others:
            os.unlink(path)

    def test_what_vanishes_and_appears_meanwhile_is_no_error(self):
        for shard in ('000', '001', '002'):
            for digit in '0123456789':
                self.plant('%s/%s' % (shard, digit * 32))
        found = entries_of(self.root)
        next(found)
        for shard in ('000', '001', '002'):
            shutil.rmtree(os.path.join(self.root, shard))
        os.mkdir(os.path.join(self.root, '003'))
        list(found)
        # A shard that is no directory any more when it is opened.
        self.plant('004/' + '0' * 32)
        with mock.patch('mezeo_fsstore.disk.iterate_entries',
                        side_effect=OSError(20, 'Not a directory')):
            self.assertEqual([], list(inventory.entries_in(Root(self.root), '004', self.fail)))

    def test_200000_objects_take_no_more_memory_than_200(self):
        self.root = tempfile.mkdtemp(prefix='mezeo_fsstore-test-', dir=place_for_many_files())
        self.addCleanup(shutil.rmtree, self.root)
        mark(self.root)
        program = ('import re, sys\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   # None has a digest.
                   'for status, arguments in (\n'
                   '        (0, ["ls"]), (1, ["ls", "--sha256"]), (0, ["sweep", "--delete"])):\n'
                   '    assert main(arguments + [%r]) == status\n'
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
            status, output, errors = run_python('-c', program)
            self.assertEqual(0, status, errors)
            self.assertEqual(200 * shards + 1, output.count(b'\n'))
            peaks.append(int(errors.splitlines()[-1]))
        self.assertTrue(peaks[1] - peaks[0] < 1024, 'KiB: %s' % peaks)
