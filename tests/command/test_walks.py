"""A walk goes on past what can't be read or printed, says it, and fails at its end."""

import errno
import os
import re
import shutil
import subprocess

from mezeo_fsstore import compat, names
from mezeo_fsstore.admin import inventory
from mezeo_fsstore.root import Root
from tests.command.test_listing import ListingTestCase
from tests.support import entries_of, find_program, mark, mock, mounted, path_in, run_python

# The command, run by a user who is not the superuser. First its help: this Python may lie where the
# other user can't reach what is still to be imported.
ORDINARY = '''
import os, sys, encodings.ascii, encodings.latin_1
from mezeo_fsstore.admin.command_line import main
if os.geteuid() == 0:
    output, sys.stdout = sys.stdout, open(os.devnull, "w")
    try:
        main(["--help"])
    except SystemExit:
        sys.stdout = output
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(main(sys.argv[1:]))
'''

# A time to which gmtime has no year.
BEYOND = 67768036191676800

WALKS = (['ls'], ['ls', '--json'], ['ls', '--foreign'], ['sweep'])


class WalkTestCase(ListingTestCase):

    def run_as_ordinary_user(self, *arguments):
        return run_python('-c', ORDINARY, *arguments)

    def give_all_to_ordinary_user(self):
        """Give the root to the user of `run_as_ordinary_user`."""
        if os.geteuid() != 0:
            return
        self.let_all_in()
        for folder, folders, files in os.walk(self.root):
            for name in [folder] + [os.path.join(folder, name) for name in folders + files]:
                os.lchown(name, 65534, 65534)

    def close_shard(self, shard, mode=0):
        """Take rights of a shard from its owner; return its path."""
        path = os.path.join(self.root, shard)
        os.chmod(path, mode)
        self.addCleanup(os.chmod, path, 0o700)
        return path

    def plant_objects(self, *shards):
        paths = ['%s/%s' % (shard, shard[0] * 32) for shard in shards]
        for path in paths:
            self.plant(path)
        return paths

    def assert_goes_on(self, result, failed, number=None):
        """The paths `failed`, in order, are a line each on standard error, and the status is 1.

        The output has `number` lines. Returns it.
        """
        status, output, errors = result
        lines = [line for line in errors.decode('ascii').splitlines()
                 if line.startswith('mezeo_fsstore: ')]
        self.assertEqual((1, len(failed)), (status, len(lines)), errors)
        for path, line in zip(sorted(failed), sorted(lines)):
            self.assertTrue(path in line, line)
        # The last line of `ls` is on standard error, that of `sweep` on standard output.
        words = '; %d failure%s: see above\n' % (len(failed), 's' * (len(failed) != 1))
        self.assertTrue(errors.decode('ascii').endswith(words)
                        or output.decode('ascii').endswith(words), (errors, output))
        if number is not None:
            self.assertEqual(number, output.count(b'\n'), output)
        return output.decode('ascii')


class WalkTest(WalkTestCase):

    def test_the_shards_come_in_the_order_of_their_numbers(self):
        planted = self.plant_objects('fff', '00a', '000', '100', '0b0')
        self.assertEqual(sorted(planted), [entry.path for entry in entries_of(self.root)])

    def test_the_parts_together_are_the_whole(self):
        shards = ['%03x' % number for number in range(0, 4096, 37)]
        for shard in shards:
            os.mkdir(os.path.join(self.root, shard))
        root = Root(self.root)
        for parts in (1, 2, 7, 30, 4096):
            found = [inventory.shards(root, self.fail, (part, parts))
                     for part in range(1, parts + 1)]
            self.assertEqual(shards, sorted(sum(found, [])))
            for part, names_of_part in enumerate(found):
                self.assertEqual(set([part]) if names_of_part else set(),
                                 set(int(name, 16) % parts for name in names_of_part))

    def test_a_shard_that_can_not_be_read(self):
        self.plant_objects('000', '001', '002')
        closed = self.close_shard('001')
        self.give_all_to_ordinary_user()
        for command in WALKS:
            number = 2 if command[0] == 'ls' and '--foreign' not in command else None
            self.assert_goes_on(
                self.run_as_ordinary_user(*(command + [self.root])), [closed], number)

    def test_quarantine_that_can_not_be_read_is_said_once(self):
        self.plant(names.QUARANTINE + '/000/' + '0' * 32)
        self.plant_objects('000')
        closed = self.close_shard(names.QUARANTINE)
        self.give_all_to_ordinary_user()
        self.assert_goes_on(self.run_as_ordinary_user('ls', '--foreign', self.root), [closed], 0)
        status, _, errors = self.run_as_ordinary_user('ls', self.root)
        self.assertEqual((0, b'1 object\n'), (status, errors))

    def test_a_root_that_can_not_be_read(self):
        self.plant_objects('000')
        self.give_all_to_ordinary_user()
        self.close_shard('', 0o300)
        for command in WALKS:
            status, output, errors = self.run_as_ordinary_user(*(command + [self.root]))
            self.assertEqual((1, b'', 1), (status, output, errors.count(b'\n')), errors)
            self.assertTrue(self.root in errors.decode('ascii'), errors)

    def test_a_time_that_no_calendar_has(self):
        with mounted(self, 'tmpfs', self.root, 'size=1m'):
            mark(self.root)
            first, second = self.plant_objects('000', '001')
            os.utime(os.path.join(self.root, first), (0, BEYOND))
            output = self.assert_goes_on(self.run_command('ls', self.root), [first], 2)
            self.assertEqual(['@%d' % BEYOND],
                             [line.split('\t')[2] for line in output.splitlines()
                              if path_in(line) == first])
            self.assertTrue(str(BEYOND) in self.run_command('ls', self.root)[2].decode('ascii'))
            self.assertEqual(2, self.lists('--json').count('"mtime": '))

    def test_times_long_ago_are_printed(self):
        with mounted(self, 'tmpfs', self.root, 'size=1m'):
            mark(self.root)
            path = os.path.join(self.root, self.plant_objects('000')[0])
            for seconds, printed in ((-1, '1969-12-31T23:59:59Z'),
                                     (-5364662400, '1800-01-01T00:00:00Z'),
                                     (-62135596800, '0001-01-01T00:00:00Z'),
                                     (253402300800, '10000-01-01T00:00:00Z')):
                os.utime(path, (0, seconds))
                self.assertEqual(printed, self.lists().split('\t')[2].strip())

    def test_names_that_are_no_text_under_any_encoding(self):
        with mounted(self, 'tmpfs', self.root, 'size=1m'):
            mark(self.root)
            name = os.path.join(self.root.encode('ascii'), b'\xff\xe4')
            open(name, 'w').close()
            os.utime(name, (0, BEYOND))
            for encoding in ('ascii:strict', 'utf-8:strict', 'latin-1:strict'):
                status, output, errors = self.run_command(
                    'ls', self.root, '--foreign', environment={
                        'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0',
                        'PYTHONIOENCODING': encoding})
                self.assertEqual((1, 1, 2), (status, output.count(b'\n'), errors.count(b'\n')))
                self.assertTrue(b'1 foreign; 0 objects; 1 failure' in errors, errors)

    def test_a_damaged_directory_and_a_damaged_inode(self):
        image, debugfs = os.path.join(self.folder, 'image'), find_program('debugfs')
        make = find_program('mkfs.ext4')
        if not make or not debugfs:
            self.skipTest('mkfs.ext4 or debugfs is not installed')
        with open(image, 'wb') as volume:
            volume.truncate(16 * 1024 ** 2)
        subprocess.check_call([make, '-q', '-b', '1024', '-O', 'metadata_csum', image])
        with mounted(self, 'ext4', self.root, 'loop', image):
            mark(self.root)
            first, second, third = self.plant_objects('000', '001', '002')
        self.overturn(image, *[int(number, 0) for number in re.search(
            'block ([0-9]+), offset (0x[0-9a-f]+)',
            self.ask(debugfs, 'imap /' + first, image)).groups()])
        self.overturn(image, int(self.ask(debugfs, 'blocks /001', image)), 512)
        with mounted(self, 'ext4', self.root, 'loop,ro', image):
            closed = [os.path.join(self.root, path) for path in (first, '001')]
            output = self.assert_goes_on(self.run_command('ls', self.root), closed, 1)
            self.assertEqual(third, path_in(output))
            for command in WALKS[2:]:
                status, _, errors = self.run_command(*(command + [self.root]))
                self.assertEqual(1, status)
                for path in closed:
                    self.assertEqual(1, errors.count(path.encode('ascii')), errors)

    def ask(self, debugfs, request, image):
        process = subprocess.Popen([debugfs, '-R', request, image], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        return process.communicate()[0].decode('ascii')

    def overturn(self, image, block, offset):
        """Damage 8 bytes of a block."""
        with open(image, 'r+b') as volume:
            volume.seek(block * 1024 + offset + 8)
            old = bytearray(volume.read(8))
            volume.seek(block * 1024 + offset + 8)
            volume.write(bytearray(255 - byte for byte in old))


class Failing(object):
    """Stands for the listing of a directory: `bad` names can't be asked; at `end` it breaks off."""

    def __init__(self, bad=(), end=None, error=errno.EIO):
        self._bad, self._end, self._error = bad, end, error

    def __call__(self, path):
        for entry in sorted(compat.iterate_entries(path), key=lambda entry: entry.name):
            if entry.name == self._end:
                raise OSError(self._error, os.strerror(self._error), path)
            if entry.name in self._bad:
                entry = mock.Mock(stat=mock.Mock(side_effect=OSError(
                    self._error, os.strerror(self._error), os.path.join(path, entry.name))))
                entry.name = self._bad[0]
            yield entry


class ErrorsTest(WalkTestCase):

    def failed(self, failing, walk=entries_of):
        """Return the paths that are found, and of the errors that the inventory goes on past."""
        errors, root = [], Root(self.root)
        with mock.patch('mezeo_fsstore.disk.iterate_entries', failing):
            found = [entry.path for place in inventory.places(root, errors.append)
                     for entry in inventory.entries_in(root, place, errors.append)]
        return found, [os.path.relpath(error.filename, self.root) for error in errors]

    def test_what_can_not_be_asked_is_named_and_the_walk_goes_on(self):
        first, second, third = self.plant_objects('000', '111', '222')
        for error in (errno.EIO, errno.EBADMSG, errno.EUCLEAN, errno.EACCES, errno.ESTALE):
            self.assertEqual(([first, third], [second]), self.failed(
                Failing([os.path.basename(second)], error=error)))

    def test_what_has_vanished_is_no_failure(self):
        first, second, third = self.plant_objects('000', '111', '222')
        for error in (errno.ENOENT, errno.ENOTDIR):
            self.assertEqual(([first, third], []), self.failed(
                Failing([os.path.basename(second)], error=error)))

    def test_a_shard_whose_listing_breaks_off_ends_the_listing_of_that_shard_only(self):
        self.plant_objects('000', '111')
        self.plant('000/' + 'f' * 32)
        self.assertEqual((['000/' + '0' * 32, '111/' + '1' * 32], ['000']),
                         self.failed(Failing(end='f' * 32)))

    def test_a_root_whose_listing_breaks_off_is_walked_as_far_as_it_is_known(self):
        first, second = self.plant_objects('000', '111')
        found, failed = self.failed(Failing(end='111'))
        self.assertEqual(([first], set('.')), (found, set(failed)))

    def test_a_root_that_is_gone_is_a_failure(self):
        root = Root(self.root)
        shutil.rmtree(self.root)
        self.addCleanup(os.mkdir, self.root)
        self.raised(EnvironmentError, inventory.places, root, self.fail)
        errors = []
        self.assertEqual([], list(inventory.entries_in(root, '', errors.append)))
        self.assertEqual([errno.ENOENT], [error.errno for error in errors])
