"""Progress: of long work only, on a terminal where nothing else is written, and gone at the end."""

import fcntl
import os
import re
import pty
import struct
import subprocess
import sys
import termios

from mezeo_fsstore.admin import formats, progress, terminal
from tests import content
from tests.support import (
    PROJECT, CommandTestCase, environment, mark, mock, mounted, unittest)

# The command, without a module that it could import, and with that patience.
PROGRAM = '''
import sys
if %(without)r:
    sys.modules[%(without)r] = None
from mezeo_fsstore.admin import progress
progress._PATIENCE, progress._PAUSE = %(patience)r, 0
from mezeo_fsstore.__main__ import run
sys.exit(run())
'''


class ProgressTest(CommandTestCase):

    def on_terminal(self, *arguments, **options):
        """Run the command with standard error on a terminal; return output and what that shows.

        Options: `without`, the name of a module that can't be imported; `patience`, the seconds
        before progress is shown (0); `output`, the file that is standard output, True for that
        terminal; `input`, the file that is standard input; `kind`, TERM (xterm); `status`, that
        of its exit (0).
        """
        master, slave = pty.openpty()
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        # A new terminal has no width, and tqdm shows nothing there.
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
        program = PROGRAM % {'without': options.get('without', ''),
                             'patience': options.get('patience', 0)}
        variables = environment(PROJECT)
        variables.pop('TERM', None)
        if options.get('kind', 'xterm') is not None:
            variables['TERM'] = options.get('kind', 'xterm')
        output = options.get('output', subprocess.PIPE)
        process = subprocess.Popen(
            (sys.executable, '-c', program) + arguments, env=variables, stderr=slave,
            stdout=slave if output is True else output, stdin=options.get('input'))
        os.close(slave)
        output = process.communicate()[0]
        self.assertEqual(options.get('status', 0), process.returncode, output)
        shown = b''
        try:
            chunk = os.read(master, 65536)
            while chunk:
                shown += chunk
                chunk = os.read(master, 65536)
        except OSError:  # what Linux says for the end of a terminal
            pass
        os.close(master)
        return output, shown.decode('utf-8')

    def source(self, size):
        path = os.path.join(self.folder, 'source')
        with open(path, 'wb') as stream:
            stream.write(content(size))
        return path

    def listed(self):
        """Return the arguments of each command that prints as it goes."""
        return (('ls', self.root), ('sweep', self.root), ('get', self.root, self.put()),
                ('get', self.root, self.put(), '-'))

    def test_plain_words_where_tqdm_is_missing(self):
        output, shown = self.on_terminal('put', self.root, self.source(3 * 1024 ** 2),
                                         without='tqdm')
        self.assertTrue(shown.startswith('\r256.0 KiB of 3.0 MiB, 8%, 0:00:00 left\x1b[K'),
                        repr(shown))
        self.assertTrue(shown.endswith('100%, 0:00:00 left\x1b[K\r\x1b[K'), repr(shown))
        self.assertEqual(3 * 1024 ** 2,
                         self.storage.get_size(None, output.decode('ascii').strip()))

    def test_tqdm_where_it_is_installed(self):
        try:
            import tqdm  # noqa: F401
        except ImportError as error:
            self.skipTest(str(error))
        output, shown = self.on_terminal('put', self.root, self.source(3000000))
        self.assertTrue(' bytes' in shown and 'bytes/s' in shown and '/3.00M' in shown,
                        repr(shown))
        self.assertEqual('', shown.split('\r')[-1].replace('\x1b[K', '').strip(),
                         'something stays on the line')

    def test_quick_work_shows_none(self):
        for without in ('', 'tqdm'):
            _, shown = self.on_terminal('put', self.root, self.source(3000000), without=without,
                                        patience=600)
            self.assertEqual('', shown)

    def test_what_prints_as_it_goes_shows_it_where_the_output_is_a_file(self):
        with open(os.path.join(self.folder, 'output'), 'wb') as regular:
            with open(os.devnull, 'wb') as null:
                for arguments in self.listed():
                    for output in (regular, null):
                        _, shown = self.on_terminal(*arguments, without='tqdm', output=output)
                        self.assertTrue(shown.startswith('\r'), (arguments, output, shown))
                        last = shown.split('\r\x1b[K')[-1]
                        self.assertTrue(re.match('([0-9]+ objects?\r?\n)?$', last),
                                        (arguments, output, shown))

    def test_and_none_where_it_may_end_on_the_terminal(self):
        # `ls | head` ends there.
        for arguments in self.listed():
            for output in (True, subprocess.PIPE):
                _, shown = self.on_terminal(*arguments, output=output)
                self.assertFalse('\r' in shown or '\x1b' in shown, shown)

    def test_none_but_plain_text_where_the_terminal_shows_no_other(self):
        module_data, target = self.put(), os.path.join(self.folder, 'target')
        for kind in ('dumb', '', None):
            for arguments in (('put', self.root, self.source(3000000)),
                              ('get', self.root, module_data, target)):
                _, shown = self.on_terminal(*arguments, kind=kind)
                self.assertEqual('', shown)

    def test_a_failure_that_is_said_meanwhile_has_a_line_of_its_own(self):
        with mounted(self, 'tmpfs', self.root, 'size=1m'):
            mark(self.root)
            for shard in ('000', '001', '002'):
                os.mkdir(os.path.join(self.root, shard))
                path = os.path.join(self.root, shard, '0' * 32)
                open(path, 'w').close()
                # No calendar has that time.
                os.utime(path, (0, 67768036191676800))
            with open(os.devnull, 'wb') as null:
                for without in ('', 'tqdm'):
                    _, shown = self.on_terminal(
                        'ls', self.root, output=null, without=without, status=1)
                    parts = shown.split('mezeo_fsstore: ')
                    self.assertEqual(4, len(parts))
                    for part in parts[1:-1]:
                        # What stood on the line was wiped off.
                        self.assertTrue('\r' in part, repr(shown))
                        self.assertEqual('', part.split('\r')[-1].replace('\x1b[K', ''),
                                         repr(shown))

    def test_none_in_a_pipe(self):
        self.succeeds('put', self.root, self.source(3000000))


class MeterTest(unittest.TestCase):

    def shown(self, times, *arguments):
        """Return what a meter shows that is made and then counts 1 at each of these times."""
        with mock.patch.object(sys, 'stderr') as stderr:
            with mock.patch.dict(os.environ, TERM='xterm'):
                with mock.patch('mezeo_fsstore.admin.progress.time.time', side_effect=times):
                    with mock.patch.dict(sys.modules, tqdm=None):
                        with progress.meter(*arguments) as meter:
                            for _ in times[1:]:
                                meter.update(1)
        return [call[0][0].replace('\033[K', '') for call in stderr.write.call_args_list]

    def test_it_is_shown_after_half_a_second_now_and_then_and_cleared(self):
        self.assertEqual(['\r2 files', '\r4 files', '\r'],
                         self.shown([10, 10.49, 10.5, 10.69, 10.75], 'file'))
        self.assertEqual([], self.shown([10, 10.1, 10.49], 'file'))

    def test_it_tells_the_share_and_the_time_left_where_the_total_is_known(self):
        self.assertEqual(['\r1 shard of 4 shards, 25%, 0:05:00 left',
                          '\r2 shards of 4 shards, 50%, 2:00:00 left', '\r'],
                         self.shown([0, 100, 7200], 'shard', 4))

    def test_more_than_the_total_or_a_clock_set_back_is_no_nonsense(self):
        self.assertEqual(['\r1 file of 1 file, 100%, 0:00:00 left',
                          '\r2 files of 1 file, 100%, 0:00:00 left', '\r'],
                         self.shown([0, 1, 2], 'file', 1))
        self.assertEqual([], self.shown([1000, 10], 'file', 4))

    def test_it_makes_way_for_what_is_said(self):
        with mock.patch.object(sys, 'stderr') as stderr:
            with mock.patch.dict(os.environ, TERM='xterm'):
                with mock.patch.dict(sys.modules, tqdm=None):
                    with mock.patch.object(progress, '_PATIENCE', 0):
                        with progress.meter('file') as meter:
                            terminal.say('first')
                            meter.update(1)
                            terminal.say('second')
                        terminal.say('third')
        self.assertEqual(['mezeo_fsstore: first\n', '\r1 file', '\r', 'mezeo_fsstore: second\n',
                          '\r', 'mezeo_fsstore: third\n'],
                         [call[0][0].replace('\033[K', '') for call in stderr.write.call_args_list])

    def test_a_terminal_that_goes_away_ends_no_work(self):
        for failing in ('write', 'flush'):
            with mock.patch.object(sys, 'stderr') as stderr:
                getattr(stderr, failing).side_effect = EnvironmentError(5, 'Input/output error')
                with mock.patch.dict(os.environ, TERM='xterm'):
                    with mock.patch.dict(sys.modules, tqdm=None):
                        with mock.patch.object(progress, '_PATIENCE', 0):
                            with progress.meter('file') as meter:
                                meter.update(1)
                                meter.update(1)

    def test_no_standard_error_is_no_failure(self):
        for stream in (None, mock.Mock(isatty=mock.Mock(side_effect=ValueError))):
            with mock.patch.object(sys, 'stderr', stream):
                with progress.meter('file') as meter:
                    meter.update(1)


class NumbersTest(unittest.TestCase):

    def test_a_number_agrees_with_its_noun(self):
        self.assertEqual(['0 objects', '1 object', '2 objects'],
                         [formats.counted(number, 'object') for number in (0, 1, 2)])
        self.assertEqual(['0 temporaries', '1 temporary', '2 temporaries'],
                         [formats.counted(number, 'temporary', 'temporaries')
                          for number in (0, 1, 2)])

    def test_bytes_are_in_the_largest_unit_that_fits(self):
        self.assertEqual(
            ['0 B', '1023 B', '1.0 KiB', '1.5 MiB', '2.0 GiB', '3.0 TiB', '2.0 PiB'],
            [formats.in_units(number) for number in (
                0, 1023, 1024, 3 * 2 ** 19, 2 ** 31, 3 * 2 ** 40, 2 ** 51)])
