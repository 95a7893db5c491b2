"""`python -m mezeo_fsstore`: the whole command as an administrator starts it."""

import json
import os
import re
import signal
import subprocess
import sys

from mezeo_fsstore import FilesystemStorage, __version__
from mezeo_fsstore.admin import command_line
from tests import content
from tests.support import (
    PROJECT, CommandTestCase, environment, heed_interrupts, mock, path_in, unittest)


NAMES = ('check', 'init', 'put', 'get', 'size', 'stat', 'rm', 'ls', 'df', 'sweep')

USAGE = 'usage: python%d -m mezeo_fsstore' % sys.version_info[0]


class PutGetTest(CommandTestCase):

    def test_a_file_goes_in_and_comes_back(self):
        source, target = os.path.join(self.folder, 'in'), os.path.join(self.folder, 'out')
        with open(source, 'wb') as stream:
            stream.write(content(3000001))
        module_data = self.succeeds('put', self.root, source).rstrip('\n')
        self.assertTrue(content(3000001) == self.get(module_data))
        self.assertEqual('', self.succeeds('get', self.root, module_data, target))
        with open(target, 'rb') as stream:
            self.assertTrue(content(3000001) == stream.read())

    def test_a_dash_is_standard_input_and_output(self):
        module_data = self.succeeds('put', self.root, '-', input=content(100000)).rstrip('\n')
        for arguments in ([], ['-']):
            status, output, errors = self.run_command('get', self.root, module_data, *arguments)
            self.assertEqual((0, b''), (status, errors))
            self.assertTrue(content(100000) == output)

    def test_the_root_may_be_relative(self):
        module_data = self.succeeds('put', 'root', '-', cwd=self.folder, input=b'content')
        self.assertEqual(b'content', self.get(module_data.strip()))

    def test_get_of_a_missing_object_leaves_the_file_as_it_was(self):
        target = os.path.join(self.folder, 'target')
        with open(target, 'w') as stream:
            stream.write('mine')
        self.fails('get', self.root, self.storage.new_data(None), target)
        with open(target) as stream:
            self.assertEqual('mine', stream.read())

    def test_output_that_can_not_be_written_is_a_failure(self):
        module_data = self.put(content(100))
        for arguments in (['get', self.root, module_data], ['size', self.root, module_data],
                          ['ls', self.root], ['df', self.root]):
            with open('/dev/full', 'w') as full:
                process = subprocess.Popen(
                    [sys.executable, '-m', 'mezeo_fsstore'] + arguments, stdout=full,
                    stderr=subprocess.PIPE, env=environment(PROJECT))
                errors = process.communicate()[1].decode('utf-8')
            self.assertEqual(1, process.returncode)
            self.assertTrue('No space left' in errors and errors.count('\n') == 1, errors)

    def test_failures_are_one_line_and_status_1(self):
        missing = os.path.join(self.folder, 'missing')
        self.assertTrue(missing in self.fails('put', missing, '-'))
        self.assertTrue(missing in self.fails('put', self.root, missing))
        self.assertTrue(missing in self.fails('check', missing))
        self.assertTrue(missing in self.fails('init', missing))
        self.assertTrue('module_data' in self.fails('get', self.root, '../../etc/passwd'))
        absent = self.storage.new_data(None)
        self.assertTrue(self.path(absent) in self.fails('get', self.root, absent))
        self.assertTrue(self.root in self.fails('put', self.registration(root_id='0' * 32), '-'))
        self.assertFalse(os.path.exists(missing))
        self.assertEqual([], self.files())

    def test_bad_use_is_status_2_and_usage(self):
        for arguments in ([], ['nothing'], ['put'], ['put', self.root], ['check'], ['get', 'x'],
                          ['check', self.root, 'more']):
            status, output, errors = self.run_command(*arguments)
            self.assertEqual((2, b''), (status, output), arguments)
            self.assertTrue(errors.decode('ascii').startswith(USAGE), errors)
            self.assertTrue(b'Traceback' not in errors, errors)

    def test_each_command_tells_its_use(self):
        self.assertTrue(USAGE in self.succeeds('--help'))
        for name in NAMES:
            text = self.succeeds(name, '--help')
            self.assertTrue('%s %s' % (USAGE, name) in text)
            self.assertTrue('ROOT ' in text)

    def test_each_help_fits_on_a_screen(self):
        names = re.findall('^    ([a-z]+) ', self.succeeds('--help'), re.M)
        for arguments in [[]] + [[name] for name in names]:
            lines = self.succeeds(*arguments + ['--help'],
                                  environment={'COLUMNS': '80'}).splitlines()
            self.assertTrue(len(lines) <= 40, (arguments, len(lines)))
            self.assertTrue(max(map(len, lines)) <= 80, arguments)
            self.assertTrue('Exit status' in ' '.join(lines), arguments)

    def test_no_option_may_be_shortened(self):
        old = os.path.join(self.root, '000', '.%s.%s' % ('0' * 32, '0' * 16))
        os.mkdir(os.path.dirname(old))
        open(old, 'w').close()
        os.utime(old, (0, 0))
        for arguments in (['sweep', self.root, '--del'], ['sweep', self.root, '--older=0s'],
                          ['ls', self.root, '--js'], ['df', self.root, '--warn-'], ['--vers']):
            status, output, errors = self.run_command(*arguments)
            self.assertEqual((2, b''), (status, output), errors)
        self.assertTrue(os.path.exists(old))
        os.unlink(old)

    def test_the_version_is_that_of_the_package(self):
        self.assertEqual('mezeo_fsstore %s\n' % __version__, self.succeeds('--version'))

    def test_whatever_an_error_says_it_is_one_line(self):
        absent = self.storage.new_data(None)
        for error, line in ((Exception('two\nlines'), 'two lines'), (MemoryError(), 'MemoryError'),
                            (OSError(5, 'two\nlines', 'a\n\x1bb'), 'a\\n\\x1bb: two lines')):
            with mock.patch.object(FilesystemStorage, 'get_size', side_effect=error):
                with mock.patch.object(sys, 'stderr') as stderr:
                    self.assertEqual(1, command_line.main(['size', self.root, absent]))
            self.assertTrue(stderr.write.call_args[0][0].startswith('mezeo_fsstore: ' + line))
            self.assertEqual(1, stderr.write.call_args[0][0].count('\n'))

    def test_size_and_rm(self):
        module_data, other = self.put(content(12345)), self.put()
        self.assertEqual('12345\n', self.succeeds('size', self.root, module_data))
        self.assertEqual('', self.succeeds('rm', self.root, module_data))
        self.assertFalse(self.storage.available(None, module_data))
        self.assertEqual(b'content', self.get(other))

    def test_an_object_that_is_not_there_can_not_be_removed(self):
        for command_name in ('rm', 'size', 'get'):
            absent = self.storage.new_data(None)
            self.assertTrue(self.path(absent) in self.fails(command_name, self.root, absent))

    def test_nothing_but_an_object_can_be_removed(self):
        module_data = self.put()
        os.symlink(self.path(module_data), self.path(self.planted()))
        for bad in (self.planted(), '{"path": "."}', '{"path": "%s"}' % path_in(module_data)[:3],
                    self.root, '.mezeo_fsstore', ''):
            self.fails('rm', self.root, bad)
        self.assertEqual(b'content', self.get(module_data))

    def planted(self):
        module_data = '{"path": "000/%s"}' % ('0' * 32)
        if not os.path.isdir(os.path.dirname(self.path(module_data))):
            os.mkdir(os.path.dirname(self.path(module_data)))
        return module_data

    def test_a_reader_that_goes_away_is_no_error(self):
        module_data = self.put(content(3000000))
        process = subprocess.Popen(
            [sys.executable, '-m', 'mezeo_fsstore', 'get', self.root, module_data],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(PROJECT))
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        self.assertEqual((b'', 0), (errors, process.wait()))

    def start_put(self):
        """Return a process that stores its standard input, and has begun."""
        process = subprocess.Popen(
            [sys.executable, '-m', 'mezeo_fsstore', 'put', self.root, '-'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(PROJECT),
            preexec_fn=heed_interrupts)
        # More than a chunk: once it is taken, the temporary is there.
        process.stdin.write(b'x' * 1500000)
        process.stdin.flush()
        while not self.temporaries():
            self.assertTrue(process.poll() is None, 'it ended early')
        return process

    def test_an_interrupt_is_status_130_and_leaves_nothing(self):
        process = self.start_put()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
        self.assertEqual((130, b'', b''), (process.returncode, output, errors))
        self.assertEqual([], self.files())

    def test_an_end_by_a_signal_leaves_nothing(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            process = self.start_put()
            process.send_signal(number)
            output, errors = process.communicate()
            self.assertEqual((128 + number, b'', b''), (process.returncode, output, errors))
            self.assertEqual([], self.files())

    @unittest.skipUnless(os.geteuid() == 0, 'only the superuser can become another user')
    def test_get_writes_where_the_caller_may(self):
        self.let_all_in()
        module_data = self.put()
        for folder, folders, names in os.walk(self.root):
            for name in [folder] + [os.path.join(folder, name) for name in names]:
                os.chown(name, 65534, 65534)
        private = os.path.join(self.folder, 'private')
        os.mkdir(private, 0o700)
        self.succeeds('get', self.root, module_data, os.path.join(private, 'target'))


class InitTest(CommandTestCase):

    def test_it_prints_a_registration_that_works(self):
        registration = json.loads(self.succeeds('init', self.root))
        self.assertEqual(['args', 'label', 'module'], sorted(registration))
        package, name = registration['module'].rsplit('.', 1)
        connector = getattr(__import__(package), name)(**registration['args'])
        self.assertTrue(isinstance(connector, FilesystemStorage))
        self.assertEqual(self.root, registration['args']['root'])
        self.assertTrue(connector.available(None, connector.new_data(None)) is False)
        os.unlink(os.path.join(self.root, '.mezeo_fsstore'))
        self.raised(EnvironmentError, connector.available, None, connector.new_data(None))

    def test_every_node_gets_the_same_answer(self):
        self.assertEqual(self.succeeds('init', self.root), self.succeeds('init', self.root))
