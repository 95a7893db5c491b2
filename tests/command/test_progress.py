"""Progress: on a terminal only, where nothing else is written, and gone at the end."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

from mezeo_fsstore.admin import terminal
from mezeo_fsstore.streams import CHUNK_SIZE
from tests import content
from tests.support import PROJECT, CommandTestCase, environment, mock


class ProgressTest(CommandTestCase):

    def on_terminal(self, *arguments, **options):
        """Run the command with standard error on a terminal; return output and what that shows.

        Options: `without`, the name of a module that can't be imported; `both`, standard output is
        that terminal too.
        """
        master, slave = pty.openpty()
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        # A new terminal has no width, and tqdm shows nothing there.
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
        program = ('import sys\n'
                   'sys.modules[%r] = None\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(sys.argv[1:]))\n' % options.get('without'))
        process = subprocess.Popen(
            (sys.executable, '-c', program) + arguments, env=environment(PROJECT), stderr=slave,
            stdout=slave if options.get('both') else subprocess.PIPE)
        os.close(slave)
        output = process.communicate()[0]
        self.assertEqual(0, process.returncode)
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

    def test_a_plain_count_where_tqdm_is_missing(self):
        output, shown = self.on_terminal('put', self.root, self.source(3000000), without='tqdm')
        self.assertTrue(shown.startswith('\r%d bytes\x1b[K' % CHUNK_SIZE), repr(shown))
        self.assertTrue(shown.endswith('\r\x1b[K'), repr(shown))
        self.assertEqual(3000000, self.storage.get_size(None, output.decode('ascii').strip()))

    def test_tqdm_where_it_is_installed(self):
        try:
            import tqdm  # noqa: F401
        except ImportError as error:
            self.skipTest(str(error))
        output, shown = self.on_terminal('put', self.root, self.source(3000000))
        self.assertTrue(' bytes' in shown and 'bytes/s' in shown, repr(shown))
        self.assertEqual('', shown.split('\r')[-1].strip(), 'something stays on the line')

    def test_each_long_work_has_it(self):
        module_data = self.put(content(100))
        target = os.path.join(self.folder, 'target')
        for arguments, unit in ((('ls', self.root), 'files'), (('sweep', self.root), 'files'),
                                (('get', self.root, module_data), 'bytes'),
                                (('get', self.root, module_data, target), 'bytes')):
            _, shown = self.on_terminal(*arguments, without='tqdm')
            self.assertTrue(unit in shown, (arguments, shown))

    def test_none_where_the_output_is_the_terminal(self):
        module_data = self.put(b'content')
        for arguments in (('ls', self.root), ('sweep', self.root), ('get', self.root, module_data)):
            _, shown = self.on_terminal(*arguments, both=True)
            self.assertFalse('\r' in shown or 'files' in shown, shown)

    def test_none_in_a_pipe(self):
        for arguments in (('ls', self.root), ('put', self.root, self.source(3000000))):
            self.succeeds(*arguments)

    def test_the_count_is_shown_now_and_then_only(self):
        with mock.patch.object(sys, 'stderr') as stderr:
            times = [0.5, 0.5, 0.6, 1.0, 1.0]
            with mock.patch('mezeo_fsstore.admin.terminal.time.time', side_effect=times):
                with mock.patch.dict(sys.modules, {'tqdm': None}):
                    with terminal.meter('files') as meter:
                        for _ in range(3):
                            meter.update(1)
        shown = [call[0][0] for call in stderr.write.call_args_list]
        self.assertEqual(['\r1 files\033[K', '\r3 files\033[K', '\r\033[K'], shown)
