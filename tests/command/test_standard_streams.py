"""Standard streams that are full, closed or a broken pipe: one line, exit status 1, no more."""

import fcntl
import os
import re
import signal
import subprocess
import sys

from tests.support import PROJECT, CommandTestCase, environment, wait_until

# What is said of standard output that is one of these.
TEXT = {'full': 'standard output: No space left on device',
        'closed': 'standard output is closed',
        'broken': 'standard output: Broken pipe'}

# As many processes run at once.
BESIDE = 8


def become(number, state):
    """Make the standard stream `number` of this process, a child before it starts, such a one."""
    if state == 'closed':
        os.close(number)
        return
    if state == 'full':
        fd = os.open('/dev/full', os.O_RDWR)
    else:
        reader, fd = os.pipe()
        os.close(reader)
    os.dup2(fd, number)
    os.close(fd)


def run_all(runs):
    """Return, of each run, status, output and errors, as text.

    A run is the arguments of `begin`.
    """
    results = []
    for start in range(0, len(runs), BESIDE):
        some = [begin(*run) for run in runs[start:start + BESIDE]]
        for process in some:
            output, errors = process.communicate(b'content')
            results.append((process.returncode, output.decode('utf-8', 'replace'),
                            errors.decode('utf-8', 'replace')))
    return results


def begin(arguments, states, flags=(), variables=None):
    """Start the command and return the process.

    `states` is a dictionary of standard streams and what they are; `flags` are options of Python,
    `variables` more ones of the environment.
    """
    def prepare():
        # Their own first: a pipe could get the number of one that is closed.
        for number in sorted(states, key=lambda number: states[number] == 'closed'):
            become(number, states[number])
    return subprocess.Popen(
        [sys.executable] + list(flags) + ['-m', 'mezeo_fsstore'] + list(arguments),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=prepare,
        env=environment(PROJECT, **(variables or {})))


class StandardStreamsTest(CommandTestCase):

    flags = ()
    variables = {'PYTHONUNBUFFERED': ''}

    def setUp(self):
        super(StandardStreamsTest, self).setUp()
        self.source = os.path.join(self.folder, 'source')
        with open(self.source, 'wb') as stream:
            stream.write(b'content')
        self.old = os.path.join(self.root, '000', '.%s.%s' % ('0' * 32, '0' * 16))
        os.mkdir(os.path.dirname(self.old))
        open(self.old, 'w').close()
        os.utime(self.old, (0, 0))
        self.addCleanup(lambda: os.path.exists(self.old) and os.unlink(self.old))

    def lists(self):
        """Return command lines that list or read, and nothing else."""
        module_data = self.put()
        return [['ls', self.root], ['get', self.root, module_data],
                ['get', self.root, module_data, '-'], ['size', self.root, module_data],
                ['stat', self.root, module_data],
                ['df', self.root], ['sweep', self.root], ['--help'], ['ls', '--help'],
                ['--version']]

    def changes(self):
        """Return command lines of which each prints something, and does more than that."""
        return [['check', self.root], ['init', self.root], ['put', self.root, self.source],
                ['put', self.root, '-'], ['sweep', self.root, '--delete'],
                ['df', self.root, '--warn', '100'],
                ['scrub', self.root], ['scrub', self.root, '--json']]

    def silent(self):
        """Return command lines that print nothing."""
        target = os.path.join(self.folder, 'target')
        return [['get', self.root, self.put(), target], ['rm', self.root, self.put()]]

    def run_each(self, commands, *states):
        """Run each command with each of these states; return commands, states and results."""
        runs = [(arguments, some, self.flags, self.variables)
                for arguments in commands for some in states]
        return [run[:2] + result for run, result in zip(runs, run_all(runs))]

    def test_output_that_can_not_be_written_is_a_line_and_a_failure(self):
        found = self.run_each(self.lists() + self.changes(), {1: 'full'}, {1: 'closed'})
        for arguments, states, status, _, errors in found + self.run_each(
                self.changes(), {1: 'broken'}):
            # What `put` has stored and can't print, it says there.
            errors = re.sub('; the object is stored: {"path": ".*"}$', '', errors, flags=re.M)
            line = 'mezeo_fsstore: %s\n' % TEXT[states[1]]
            self.assertEqual((1, line), (status, errors), (arguments, states))

    def test_it_is_one_line_too_where_there_is_a_warning(self):
        commands = [arguments for arguments in self.lists() + self.changes()
                    if self.root in arguments and arguments[0] not in ('check', 'init')]
        self.unmark()
        found = self.run_each(commands, {1: 'full'}, {1: 'closed'})
        found += self.run_each([arguments + ['--args', '{}'] for arguments in commands
                                if arguments[0] in ('df', 'put')], {1: 'full'})
        for arguments, states, status, _, errors in found:
            self.assertEqual((1, 1), (status, errors.count('\n')), (arguments, states, errors))
            for words in (TEXT[states[1]], '%s has no marker' % self.root):
                self.assertTrue(words in errors, (arguments, errors))
            self.assertEqual('--args' in arguments, '--args will go' in errors, errors)

    def test_a_list_whose_reader_has_gone_is_no_failure(self):
        for arguments, _, status, _, errors in self.run_each(self.lists(), {1: 'broken'}):
            self.assertEqual((0, ''), (status, errors), arguments)

    def test_what_prints_nothing_needs_no_output(self):
        for state in sorted(TEXT):
            for arguments, _, status, _, errors in self.run_each(self.silent(), {1: state}):
                self.assertEqual((0, ''), (status, errors), (arguments, state))

    def test_an_alarm_is_not_lost_with_its_reader(self):
        alarm = ['df', self.root, '--warn', '0']
        found = self.run_each([alarm], {1: 'full'}, {1: 'closed'}, {1: 'broken'})
        self.assertEqual([1, 1, 1], [status for _, _, status, _, _ in found])

    def test_a_failure_that_can_not_be_said_is_a_failure(self):
        missing = os.path.join(self.folder, 'missing')
        for arguments, states, status, output, errors in self.run_each(
                [['ls', missing], ['put', self.root, missing], ['df', missing], ['check', missing],
                 ['init', missing], ['sweep', missing], ['get', self.root, '{}'],
                 ['size', self.root, '{}'], ['stat', self.root, '{}'], ['rm', self.root, '{}']],
                {2: 'full'}, {2: 'closed'}, {2: 'broken'}):
            self.assertEqual((1, '', ''), (status, output, errors), (arguments, states))

    def test_bad_usage_that_can_not_be_said_is_bad_usage(self):
        for arguments, states, status, output, errors in self.run_each(
                [[], ['nothing'], ['ls'], ['ls', '/']],
                {2: 'full'}, {2: 'closed'}, {2: 'broken'}, {0: 'closed', 1: 'closed', 2: 'closed'}):
            self.assertEqual((2, '', ''), (status, output, errors), (arguments, states))

    def test_what_belongs_to_the_answer_and_can_not_be_said_is_a_failure(self):
        for _, states, status, output, errors in self.run_each(
                [['ls', self.root], ['ls', self.root, '--foreign']],
                {2: 'full'}, {2: 'closed'}, {2: 'broken'}):
            self.assertEqual((1, ''), (status, errors), (output, states))

    def test_what_has_nothing_to_say_needs_no_error_output(self):
        # The count of `ls` belongs to its answer.
        commands = [arguments for arguments in self.lists() + self.changes() + self.silent()
                    if arguments[:2] != ['ls', self.root]]
        for arguments, _, status, _, errors in self.run_each(commands, {0: 'closed', 2: 'closed'}):
            if arguments[-1] == '-' and arguments[0] == 'put':
                continue
            self.assertEqual((0, ''), (status, errors), arguments)

    def test_no_input_is_not_an_empty_object(self):
        files = self.files()
        (_, _, status, output, errors), = self.run_each([['put', self.root, '-']], {0: 'closed'})
        self.assertEqual((1, '', 1), (status, output, errors.count('\n')), errors)
        self.assertTrue('closed' in errors, errors)
        self.assertEqual(files, self.files())

    def test_all_of_them_closed(self):
        closed = {0: 'closed', 1: 'closed', 2: 'closed'}
        for arguments, _, status, output, errors in self.run_each(
                self.lists() + self.changes(), closed):
            self.assertEqual((1, '', ''), (status, output, errors), arguments)
        for arguments, _, status, output, errors in self.run_each(self.silent(), closed):
            self.assertEqual((0, '', ''), (status, output, errors), arguments)


class StrictPythonTest(StandardStreamsTest):
    """Options and variables of Python change nothing."""

    flags = ('-W', 'error') + (('-X', 'dev') if sys.version_info >= (3, 7) else ())
    variables = {'PYTHONUNBUFFERED': '1'}


class DescriptorsTest(CommandTestCase):

    def setUp(self):
        super(DescriptorsTest, self).setUp()
        self.source = os.path.join(self.folder, 'source')
        open(self.source, 'w').close()

    def test_no_file_of_the_command_gets_the_number_of_a_closed_stream(self):
        program = ('import os, sys\n'
                   'from mezeo_fsstore.admin.standard_streams import StandardStreams\n'
                   'StandardStreams()\n'
                   'assert os.open(%r, os.O_RDONLY) > 2\n'
                   'assert sys.stdin is None\n'
                   'for call in ((lambda: os.read(0, 1)), (lambda: os.write(1, b"x")),\n'
                   '             (lambda: os.write(2, b"x"))):\n'
                   '    try:\n'
                   '        call()\n'
                   '    except OSError as error:\n'
                   '        assert error.errno == 9\n'
                   '    else:\n'
                   '        raise AssertionError\n'
                   'os._exit(7)\n' % self.source)
        process = subprocess.Popen(
            [sys.executable, '-c', program], env=environment(PROJECT),
            preexec_fn=lambda: [os.close(number) for number in range(3)])
        self.assertEqual(7, process.wait())

    def test_a_path_that_the_encoding_has_not_ends_no_command(self):
        root = os.path.join(self.folder.encode('ascii'), b'r\xc3\xa4\xff')
        os.mkdir(root)
        for encoding in ('ascii', 'ascii:strict', 'utf-8:strict'):
            runs = [(['check', root], {}, (), {'PYTHONIOENCODING': encoding}),
                    (['get', root, '{}'], {}, (), {'PYTHONIOENCODING': encoding})]
            (first, report, errors), (second, _, line) = run_all(runs)
            self.assertEqual((0, '', 1), (first, errors, second), report)
            self.assertTrue(line.startswith('mezeo_fsstore: '), line)

    def test_what_nohup_has_it_ignore_stays_ignored(self):
        process = subprocess.Popen(
            [sys.executable, '-m', 'mezeo_fsstore', 'put', self.root, '-'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(PROJECT),
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.stdin.write(b'x' * 1500000)
        process.stdin.flush()
        wait_until(self.temporaries)
        process.send_signal(signal.SIGHUP)
        output, _ = process.communicate(b'x')
        self.assertEqual(0, process.returncode)
        self.assertEqual(1500001, self.storage.get_size(None, output.decode('ascii').strip()))

    def test_an_end_by_a_signal_waits_for_no_reader(self):
        program = ('import os, signal, sys\n'
                   'from mezeo_fsstore.__main__ import run\n'
                   'from mezeo_fsstore.admin import listing\n'
                   'def ls(options):\n'
                   '    sys.stdout.write("x" * 1000)\n'
                   '    os.kill(os.getpid(), signal.SIGTERM)\n'
                   '    signal.pause()\n'
                   'listing.ls = ls\n'
                   'sys.argv[1:] = ["ls", %r]\n'
                   'sys.exit(run())\n' % self.root)
        reader, writer = os.pipe()
        process = subprocess.Popen([sys.executable, '-c', program], env=environment(PROJECT),
                                   stdout=writer, preexec_fn=fill_output)
        os.close(writer)
        wait_until(lambda: process.poll() is not None)
        self.assertEqual(128 + signal.SIGTERM, process.returncode)
        os.close(reader)

    def test_an_output_that_does_not_wait_is_waited_for(self):
        for _ in range(3):
            self.put()
        reader, writer = os.pipe()
        process = subprocess.Popen(
            [sys.executable, '-m', 'mezeo_fsstore', 'ls', self.root], env=environment(PROJECT),
            stdout=writer, stderr=subprocess.PIPE, preexec_fn=fill_output)
        os.close(writer)
        with os.fdopen(reader, 'rb') as output:
            text = output.read()
        errors = process.communicate()[1]
        self.assertEqual((0, b'3 objects\n'), (process.returncode, errors))
        self.assertEqual(3, text.count(b'\n'))


def fill_output():
    """Fill the pipe that is standard output; from then on it is one that does not wait."""
    fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK)
    try:
        while True:
            os.write(1, b'x' * 4096)
    except OSError:  # it takes no more
        pass
