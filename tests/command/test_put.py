"""`put`: what it stores is never lost from sight, and what fails is told by its own name."""

import errno
import os
import re
import subprocess
import sys

from mezeo_fsstore.admin import command_line
from tests import content
from tests.command.test_standard_streams import TEXT, run_all
from tests.support import (
    PROJECT, CommandTestCase, environment, mock, path_in, run_python)

# The command, in which the call that stores ends by a signal.
INTERRUPTED = '''
import os, runpy, signal, sys
from mezeo_fsstore import FilesystemStorage
original = FilesystemStorage.assign
def assign(*arguments):
    original(*arguments)
    os.kill(os.getpid(), signal.%s)
FilesystemStorage.assign = assign
sys.argv[0] = 'mezeo_fsstore'
runpy.run_module('mezeo_fsstore', run_name='__main__')
'''

STORED = '; the object is stored: '


class PutTestCase(CommandTestCase):

    def setUp(self):
        super(PutTestCase, self).setUp()
        self.source = os.path.join(self.folder, 'source')
        with open(self.source, 'wb') as stream:
            stream.write(b'content')
        self.absent = self.storage.new_data(None)

    def run_here(self, *arguments):
        """Run the command in this process, where faults can be made; return status and line."""
        with mock.patch.object(sys, 'stderr') as stderr:
            with mock.patch.object(sys, 'stdout'):
                status = command_line.main(list(arguments))
        lines = [call[0][0] for call in stderr.write.call_args_list]
        self.assertTrue(len(lines) <= 1, lines)
        return status, ''.join(lines)


class AnswerTest(PutTestCase):

    def test_an_answer_that_can_not_be_printed_is_a_failure_that_names_the_object(self):
        for arguments in (['put', self.root, self.source], ['put', self.root, '-']):
            for state in sorted(TEXT):
                (status, _, errors), = run_all([(arguments, {1: state})])
                line, module_data = errors.rstrip('\n').split(STORED)
                self.assertEqual(1, status)
                self.assertTrue(line.startswith('mezeo_fsstore: standard output'), line)
                self.assertTrue(TEXT[state] in line, line)
                self.assertEqual(b'content', self.get(module_data))

    def test_a_fresh_object_that_can_not_be_named_at_all_is_removed(self):
        for output in sorted(TEXT):
            runs = [(['put', self.root, self.source], {1: output, 2: errors})
                    for errors in sorted(TEXT)]
            self.assertEqual([(1, '', '')] * len(runs), run_all(runs))
            self.assertEqual([], self.files())

    def test_with_as_nothing_is_ever_removed(self):
        arguments = ['put', self.root, self.source, '--as', self.absent, '--replace']
        for output in sorted(TEXT):
            for errors in sorted(TEXT):
                runs = [(arguments, {1: output, 2: errors})]
                self.assertEqual([(1, '', '')], run_all(runs))
                self.assertEqual(b'content', self.get(self.absent))
                self.storage.delete(None, self.absent)

    def test_an_interrupt_after_the_write_removes_a_fresh_object_only(self):
        for name, status in (('SIGTERM', 143), ('SIGHUP', 129)):
            result = run_python('-c', INTERRUPTED % name, 'put', self.root, self.source)
            self.assertEqual((status, b'', b''), result)
            self.assertEqual([], self.files())
            result = run_python('-c', INTERRUPTED % name, 'put', self.root, self.source, '--as',
                                self.absent)
            self.assertEqual((status, b'', b''), result)
            self.assertEqual(b'content', self.get(self.absent))
            self.storage.delete(None, self.absent)

    def test_an_interrupt_before_the_answer_names_the_object(self):
        with mock.patch.object(sys, 'stdout') as stdout:
            stdout.write.side_effect = KeyboardInterrupt
            with mock.patch.object(sys, 'stderr') as stderr:
                self.assertEqual(130, command_line.main(['put', self.root, self.source]))
        line = stderr.write.call_args[0][0]
        self.assertTrue(line.startswith('mezeo_fsstore: interrupted' + STORED), line)
        self.assertEqual(b'content', self.get(line.split(STORED)[1].strip()))

    def failing_after_the_rename(self, times):
        """Return a patch under which that many syncs of a directory of objects fail."""
        left = [OSError(errno.EIO, 'Input/output error', self.root)] * times

        def sync(fd, path):
            if path != self.root and left:
                raise left.pop()
            return True
        return mock.patch('mezeo_fsstore.disk.sync_directory', sync)

    def test_a_write_that_fails_after_the_rename_leaves_no_fresh_object(self):
        with self.failing_after_the_rename(1):
            status, line = self.run_here('put', self.root, self.source)
        self.assertEqual(1, status)
        self.assertTrue('Input/output error' in line and 'stored' not in line, line)
        self.assertEqual([], self.files())

    def test_or_names_the_one_that_it_can_not_remove(self):
        failed = OSError(errno.EIO, 'Input/output error', self.root)
        with self.failing_after_the_rename(2):
            with mock.patch('mezeo_fsstore.disk.remove', side_effect=failed):
                status, line = self.run_here('put', self.root, self.source)
        self.assertEqual(1, status)
        module_data = line.split('; the object may be stored: ')[1].strip()
        self.assertEqual([path_in(module_data)], self.files())

    def test_a_refused_root_is_told_and_nothing_else(self):
        line = self.fails('put', self.registration(root_id='0' * 32), self.source)
        self.assertFalse('stored' in line, line)


class AsTest(PutTestCase):

    def test_it_restores_an_object_under_its_own_name(self):
        output = self.succeeds('put', self.root, self.source, '--as', self.absent)
        self.assertEqual(self.absent + '\n', output)
        self.assertEqual(b'content', self.get(self.absent))
        self.assertEqual([path_in(self.absent)], self.files())

    def test_one_that_is_there_is_replaced_only_if_that_is_asked_for(self):
        module_data = self.put(b'other')
        line = self.fails('put', self.root, self.source, '--as', module_data)
        self.assertTrue(line.startswith('mezeo_fsstore: %s: the object is there'
                                        % self.path(module_data)), line)
        self.assertTrue('--replace' in line, line)
        self.assertEqual(b'other', self.get(module_data))
        self.succeeds('put', self.root, self.source, '--as', module_data, '--replace')
        self.assertEqual(b'content', self.get(module_data))

    def test_replace_alone_is_bad_use(self):
        status, output, errors = self.run_command('put', self.root, self.source, '--replace')
        self.assertEqual((2, b''), (status, output))
        self.assertTrue(b'--as' in errors and errors.count(b'\n') == 1, errors)
        self.assertEqual([], self.files())

    def test_nothing_but_an_object_can_be_made(self):
        for bad in ('.mezeo_fsstore', '../x', '{"path": "000/x"}', '', '000/' + 'x' * 32,
                    os.path.join(self.folder, 'outside')):
            self.assertTrue('module_data' in self.fails('put', self.root, self.source, '--as', bad))
        self.assertEqual([], self.files())

    def test_the_arguments_of_the_registration_are_followed(self):
        self.succeeds('put', self.registration(file_mode='0640'), self.source, '--as',
                      self.absent)
        self.assertEqual(0o640, os.stat(self.path(self.absent)).st_mode & 0o7777)


class SourceTest(PutTestCase):

    def test_a_source_that_can_not_be_read_is_named_with_its_own_cure(self):
        missing = os.path.join(self.folder, 'missing')
        for source, words in ((missing, 'No such file or directory (name a file'),
                              (self.folder, 'Is a directory (name a file'),
                              ('', 'No such file or directory (name a file')):
            line = self.fails('put', self.root, source)
            self.assertTrue(line.startswith('mezeo_fsstore: %s: %s' % (source or "''", words)),
                            line)
            self.assertFalse('ls' in line.split() or '[Errno' in line, line)
        self.assertEqual([], self.files())

    def test_one_that_fails_on_the_way_is_named_and_the_root_is_not(self):
        source = mock.Mock()
        for number in (errno.EIO, errno.EACCES, errno.ENOSPC, errno.ENOENT, errno.EBADMSG):
            source.read.side_effect = [b'some', OSError(number, os.strerror(number))]
            with mock.patch('mezeo_fsstore.admin.files.io.open', return_value=source):
                source.fileno.side_effect = OSError
                status, line = self.run_here('put', self.root, self.source)
            self.assertEqual(1, status)
            self.assertTrue(line.startswith('mezeo_fsstore: %s: %s' % (
                self.source, os.strerror(number))), line)
            # Not in the path: a random name may have a `df` in it.
            said = line.replace(self.source, '')
            self.assertFalse(re.search('chown|sweep|ls |df|the root', said), line)
        self.assertEqual([], self.files())

    def test_standard_input_has_its_name(self):
        with open(self.folder + '/unreadable', 'wb') as stream:
            status, _, errors = run_from(stream, 'put', self.root, '-')
        self.assertEqual(1, status)
        self.assertTrue(errors.startswith('mezeo_fsstore: standard input: '), errors)

    def test_more_than_a_chunk_of_a_file_or_of_standard_input_is_stored(self):
        with open(self.source, 'wb') as stream:
            stream.write(content(3000001))
        first = self.succeeds('put', self.root, self.source).strip()
        with open(self.source, 'rb') as stream:
            stream.seek(1)
            status, output, errors = run_from(stream, 'put', self.root, '-')
        self.assertEqual((0, ''), (status, errors))
        self.assertTrue(content(3000001) == self.get(first))
        self.assertTrue(content(3000001)[1:] == self.get(output.strip()))


def run_from(stream, *arguments):
    """Run the command with `stream` as standard input; return status, output, errors as text."""
    process = subprocess.Popen(
        (sys.executable, '-m', 'mezeo_fsstore') + arguments, stdin=stream, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(PROJECT))
    output, errors = process.communicate()
    return process.returncode, output.decode('utf-8'), errors.decode('utf-8')
