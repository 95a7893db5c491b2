"""`df`: how full a root is, and when that is an alarm."""

import json
import os

from tests.support import CommandTestCase, mark, mounted, run_python


class DfTest(CommandTestCase):

    def test_json_is_what_the_module_says(self):
        with mounted(self, 'tmpfs', self.root, 'size=10m,nr_inodes=100'):
            mark(self.root)
            numbers = json.loads(self.succeeds('df', self.root, '--json'))
            self.assertEqual(self.storage.statistics(None), numbers)
            self.assertEqual((10 * 1024 ** 2, 100),
                             (numbers['capacity']['total'], numbers['inodes']['total']))

    def test_the_table_has_percentages(self):
        with mounted(self, 'tmpfs', self.root, 'size=10m,nr_inodes=100'):
            with open(os.path.join(self.root, 'filler'), 'wb') as filler:
                filler.write(b'x' * (4 * 1024 ** 2 - 4096))
            mark(self.root)
            rows = [line.split() for line in self.succeeds('df', self.root).splitlines()]
        self.assertEqual([['total', 'used', 'free', 'used'],
                          ['bytes', '10.0', 'MiB', '4.0', 'MiB', '6.0', 'MiB', '40%'],
                          ['inodes', '100', '3', '97', '3%']], rows)

    def test_past_the_percentage_to_warn_at_it_fails(self):
        with mounted(self, 'tmpfs', self.root, 'size=10m,nr_inodes=100'):
            with open(os.path.join(self.root, 'filler'), 'wb') as filler:
                filler.write(b'x' * (4 * 1024 ** 2 - 4096))
            mark(self.root)
            self.succeeds('df', self.root, '--warn', '40')
            line = self.fails('df', self.root, '--warn', '39.5')
            self.assertTrue('39.5% of the bytes of ' + self.root in line, line)
            self.assertTrue('bytes and the inodes' in self.fails('df', self.root, '--warn', '1'))
            status, output, _ = self.run_command('df', self.root, '--json', '--warn', '1')
            self.assertEqual((1, 2), (status, len(json.loads(output.decode('ascii')))))

    def test_what_is_unknown_is_a_dash(self):
        with mounted(self, 'proc', self.root, ''):
            status, output, _ = self.run_command('df', self.root)
            self.assertEqual(0, status)
            self.assertEqual([['bytes', '-', '-', '-', '-'], ['inodes', '-', '-', '-', '-']],
                             [line.split() for line in output.decode('ascii').splitlines()[1:]])

    def test_an_alarm_that_does_not_know_how_full_it_is_rings(self):
        with mounted(self, 'proc', self.root, ''):
            for arguments in ([], ['--json']):
                status, _, errors = self.run_command(
                    'df', self.root, '--warn', '99.9', *arguments)
                last = errors.decode('ascii').splitlines()[-1]
                self.assertEqual(1, status)
                self.assertTrue('does not tell' in last and self.root in last, errors)

    def test_no_fixed_number_of_inodes_is_no_alarm(self):
        # btrfs: as many as the metadata has room for.
        status, output, errors = self.with_statvfs(
            'found = statvfs(path)\n'
            'fields = list(found)\n'
            'fields[5:8] = [0, 0, 0]\n'
            'return type(found)(fields)\n', '--warn', '100')
        self.assertEqual((0, b''), (status, errors))
        self.assertEqual([b'inodes', b'-', b'-', b'-', b'-'], output.splitlines()[2].split())

    def test_a_volume_that_can_not_be_asked_is_a_failure(self):
        for arguments in ([], ['--json'], ['--warn', '99']):
            status, output, errors = self.with_statvfs(
                'raise OSError(5, "Input/output error", path)\n', *arguments)
            self.assertEqual((1, b''), (status, output))
            self.assertEqual(1, errors.count(b'\n'))
            self.assertTrue(b'Input/output error' in errors and b'Traceback' not in errors, errors)

    def with_statvfs(self, body, *arguments):
        """Run `df` where `os.statvfs(path)` is a function of the lines `body`."""
        program = ('import os, sys\n'
                   'statvfs = os.statvfs\n'
                   'def replaced(path):\n'
                   '    %s'
                   'os.statvfs = replaced\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(["df"] + sys.argv[1:]))\n'
                   % body.replace('\n', '\n    ').rstrip(' '))
        return run_python('-c', program, self.root, *arguments)

    def test_an_unmounted_volume_has_no_numbers(self):
        self.assertTrue('mount' in self.fails('df', self.registration(root_id='0' * 32)))

    def test_a_percentage_is_a_number_from_0_to_100(self):
        for bad in ('', 'x', '101', '-1', '1e1', 'nan', '5%'):
            status, _, errors = self.run_command('df', self.root, '--warn=' + bad)
            self.assertEqual(2, status)
