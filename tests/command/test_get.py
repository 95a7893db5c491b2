"""`get`: what it writes is there whole or not at all, and never in the root."""

import os
import stat
import subprocess
import sys
import threading

from mezeo_fsstore import disk
from mezeo_fsstore.admin import command_line, objects
from tests import content
from tests.support import (
    PROJECT, CommandTestCase, environment, mock, mounted, run_python, unittest)

# The command, where the first piece of an object is followed by a signal.
INTERRUPTED = '''
import os, runpy, signal, sys
from mezeo_fsstore import FilesystemStorage

# Whoever started the tests may ignore them: nohup, or a shell in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

class Stream(object):

    def __init__(self, stream):
        self.stream, self.pieces, self.fileno = stream, 0, stream.fileno
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size):
        self.pieces += 1
        if self.pieces == 2:
            os.kill(os.getpid(), signal.%s)
        return self.stream.read(size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

original = FilesystemStorage.get_read_stream
FilesystemStorage.get_read_stream = lambda *arguments: Stream(original(*arguments))
sys.argv[0] = 'mezeo_fsstore'
runpy.run_module('mezeo_fsstore', run_name='__main__')
'''


class TargetTestCase(CommandTestCase):

    def setUp(self):
        super(TargetTestCase, self).setUp()
        self.target = os.path.join(self.folder, 'target')

    def write(self, path, data=b'mine', mode=None):
        with open(path, 'wb') as stream:
            stream.write(data)
        if mode is not None:
            os.chmod(path, mode)
        return path

    def read(self, path):
        with open(path, 'rb') as stream:
            return stream.read()

    def left(self):
        """Return the names beside the root, in order."""
        return sorted(os.listdir(self.folder))


class RootIsNoTargetTest(TargetTestCase):

    def setUp(self):
        super(RootIsNoTargetTest, self).setUp()
        self.object, self.other = self.put(), self.put(b'other')
        self.before = self.state()

    def state(self):
        return [(path, os.stat(os.path.join(self.root, path)).st_ino,
                 self.read(os.path.join(self.root, path)))
                for path in self.files() + ['.mezeo_fsstore']]

    def refuses(self, root, target, **options):
        line = self.fails('get', root, self.object, target, **options)
        self.assertTrue('%s: it ' % target in line and 'the root' in line, line)
        self.assertEqual(self.before, self.state(), target)

    def in_root(self):
        """Return paths, relative to the root: of files in it, and of ones that could be made."""
        paths = [self.path(self.object)[len(self.root) + 1:],
                 self.path(self.other)[len(self.root) + 1:], '.mezeo_fsstore']
        return paths + ['new', os.path.dirname(paths[0]) + '/new', 'no/folder']

    def test_by_its_path(self):
        for path in self.in_root():
            self.refuses(self.root, os.path.join(self.root, path))

    def test_by_a_relative_path(self):
        for path in self.in_root():
            self.refuses('root', os.path.join('root', path), cwd=self.folder)
            self.refuses('../root', path, cwd=self.root)
            self.refuses(self.root, os.path.join('.', '..', 'root', path), cwd=self.root)

    def test_by_a_symbolic_link(self):
        link = os.path.join(self.folder, 'link')
        for path in self.in_root()[:-1]:
            os.symlink(os.path.join(self.root, path), link)
            self.refuses(self.root, link)
            os.unlink(link)

    def test_where_the_root_or_the_way_to_it_is_a_symbolic_link(self):
        link = os.path.join(self.folder, 'link')
        os.symlink(self.root, link)
        for path in self.in_root():
            self.refuses(link, os.path.join(self.root, path))
            self.refuses(self.root, os.path.join(link, path))
            self.refuses(link, os.path.join(link, path))

    def test_by_a_hard_link_of_the_object_or_the_marker(self):
        for path in (self.path(self.object), os.path.join(self.root, '.mezeo_fsstore')):
            os.link(path, self.target)
            self.refuses(self.root, self.target)
            os.unlink(self.target)

    def test_a_hard_link_of_another_object_is_replaced_and_the_object_stays(self):
        os.link(self.path(self.other), self.target)
        self.succeeds('get', self.root, self.object, self.target)
        self.assertEqual(b'content', self.read(self.target))
        self.assertEqual(self.before, self.state())

    def test_by_a_second_mount_of_it(self):
        again = os.path.join(self.folder, 'again')
        os.mkdir(again)
        with mounted(self, 'none', again, 'bind', self.root):
            for path in self.in_root():
                self.refuses(self.root, os.path.join(again, path))

    def test_a_fifo_in_it_is_not_waited_for(self):
        os.mkfifo(os.path.join(self.root, 'fifo'))
        line = self.fails('get', self.root, self.object, os.path.join(self.root, 'fifo'))
        self.assertTrue('it lies in the root' in line, line)

    def test_as_standard_output(self):
        for path in self.in_root()[:3]:
            # The marker is read-only: but for the superuser its shell could not open it.
            if not os.access(os.path.join(self.root, path), os.W_OK):
                continue
            with open(os.path.join(self.root, path), 'ab') as output:
                for target in ('-', '/dev/stdout'):
                    process = subprocess.Popen(
                        [sys.executable, '-m', 'mezeo_fsstore', 'get', self.root, self.object,
                         target], stdout=output, stderr=subprocess.PIPE, env=environment(PROJECT))
                    errors = process.communicate()[1].decode('utf-8')
                    self.assertTrue(process.returncode == 1 and 'the root' in errors, errors)
                    self.assertEqual(self.before, self.state())


class ReplacedTest(TargetTestCase):

    def test_a_new_file_has_the_mode_that_the_umask_leaves(self):
        module_data = self.put()
        for mask, mode in (('022', 0o644), ('007', 0o660), ('077', 0o600)):
            shell = subprocess.Popen(
                ['sh', '-c', 'umask %s; "$@"' % mask, 'sh', sys.executable, '-m', 'mezeo_fsstore',
                 'get', self.root, module_data, self.target], env=environment(PROJECT))
            self.assertEqual(0, shell.wait())
            self.assertEqual(mode, stat.S_IMODE(os.stat(self.target).st_mode))
            self.assertEqual(b'content', self.read(self.target))
            os.unlink(self.target)

    def test_one_that_was_there_is_replaced_whole_and_keeps_its_mode(self):
        module_data = self.put()
        for mode in (0o600, 0o640, 0o755):
            self.write(self.target, mode=mode)
            with open(self.target, 'rb') as reader:
                self.succeeds('get', self.root, module_data, self.target)
                self.assertEqual(b'mine', reader.read())
            self.assertEqual(b'content', self.read(self.target))
            self.assertEqual(mode, stat.S_IMODE(os.stat(self.target).st_mode))
        self.assertEqual(['root', 'target'], self.left())

    def test_an_object_that_is_deleted_once_it_is_open_is_written_whole(self):
        module_data, opened = self.put(), objects.open_target

        def delete_first(*arguments):
            self.storage.delete(None, module_data)
            return opened(*arguments)
        with mock.patch.object(objects, 'open_target', delete_first):
            self.assertEqual(0, command_line.main(['get', self.root, module_data, self.target]))
        self.assertEqual(b'content', self.read(self.target))

    @unittest.skipUnless(os.geteuid() == 0, 'only the superuser can give a file away')
    def test_it_keeps_its_owner_where_the_superuser_replaces_it(self):
        self.write(self.target)
        os.chown(self.target, 65534, 65533)
        self.succeeds('get', self.root, self.put(), self.target)
        found = os.stat(self.target)
        self.assertEqual((65534, 65533), (found.st_uid, found.st_gid))

    def test_a_link_stays_and_what_it_leads_to_is_replaced_or_made(self):
        link, module_data = os.path.join(self.folder, 'link'), self.put()
        os.symlink('target', link)
        for _ in range(2):
            self.succeeds('get', self.root, module_data, link)
            self.assertTrue(os.path.islink(link))
            self.assertEqual(b'content', self.read(self.target))
            self.write(self.target)

    def test_an_interrupt_leaves_what_was_there_and_no_part(self):
        module_data = self.put(content(1000000))
        for name, status in (('SIGINT', 130), ('SIGTERM', 143), ('SIGHUP', 129)):
            for before in (None, b'mine'):
                if before:
                    self.write(self.target, before)
                found, output, errors = run_python(
                    '-c', INTERRUPTED % name, 'get', self.root, module_data, self.target)
                self.assertEqual((status, b'', b''), (found, output, errors))
                self.assertEqual(['root'] + ['target'] * bool(before), self.left())
                if before:
                    self.assertEqual(before, self.read(self.target))
                    os.unlink(self.target)

    def test_a_failure_on_the_way_leaves_what_was_there_and_no_part(self):
        module_data = self.put(content(1000000))
        self.write(self.target)

        def fail(fd, *_):
            if close:
                close(fd)
            raise OSError(5, 'Input/output error')
        for place, close in (('write_all', None), ('sync', None), ('close', os.close),
                             ('set_mode', None)):
            with mock.patch('mezeo_fsstore.disk.' + place, fail):
                with mock.patch.object(sys, 'stderr') as stderr:
                    self.assertEqual(1, command_line.main(
                        ['get', self.root, module_data, self.target]))
            line = stderr.write.call_args[0][0]
            self.assertTrue(self.target + ': Input/output error' in line, line)
            self.assertEqual(['root', 'target'], self.left())
            self.assertEqual(b'mine', self.read(self.target))

    def test_a_full_volume_leaves_what_was_there_and_gives_no_cure_for_the_root(self):
        module_data, volume = self.put(content(3000000)), os.path.join(self.folder, 'volume')
        os.mkdir(volume)
        with mounted(self, 'tmpfs', volume, 'size=1m'):
            target = self.write(os.path.join(volume, 'target'))
            line = self.fails('get', self.root, module_data, target)
            self.assertTrue(line.startswith('mezeo_fsstore: %s: No space left' % target), line)
            self.assertFalse('sweep' in line or ' df' in line, line)
            self.assertEqual(['target'], os.listdir(volume))
            self.assertEqual(b'mine', self.read(target))

    def test_a_directory_that_is_missing_or_no_file_is_told(self):
        module_data = self.put()
        for target, cure in (('no/where', 'make its directory'), ('.', 'name a file in it'),
                             ('new/', 'name a file in it'), ('', 'name a file in it')):
            line = self.fails('get', self.root, module_data, target, cwd=self.folder)
            self.assertTrue('mezeo_fsstore: %s: ' % (target or "''") in line, line)
            self.assertTrue(cure in line, line)
        self.assertEqual(['root'], self.left())

    @unittest.skipUnless(os.geteuid() == 0, 'only the superuser can become another user')
    def test_what_the_caller_may_not_write_is_not_replaced(self):
        self.let_all_in()
        module_data, folder = self.put(), os.path.join(self.folder, 'open')
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        for folder_name, names, files in os.walk(self.root):
            os.chmod(folder_name, 0o755)
            for name in files:
                os.chmod(os.path.join(folder_name, name), 0o644)
        target = self.write(os.path.join(folder, 'target'), mode=0o644)
        # First all imports: this Python may lie where the other user can't reach it.
        program = ('import os, sys, encodings.ascii, encodings.latin_1\n'
                   'from mezeo_fsstore.admin.command_line import _parser, main\n'
                   '_parser()\n'
                   'os.setgroups([])\n'
                   'os.setuid(65534)\n'
                   'sys.exit(main(sys.argv[1:]))\n')
        status, _, errors = run_python('-c', program, 'get', self.root, module_data, target)
        line = errors.decode('utf-8')
        self.assertEqual(1, status, line)
        self.assertTrue(line.startswith('mezeo_fsstore: %s: Permission denied (user ' % target),
                        line)
        self.assertFalse('65534' in line or 'chown' in line, line)
        self.assertEqual((b'mine', ['target']), (self.read(target), os.listdir(folder)))


class AsItIsTest(TargetTestCase):

    def test_a_device_stays_a_device(self):
        module_data = self.put()
        null = os.path.join(self.folder, 'null')
        os.symlink(os.devnull, null)
        for target in (os.devnull, null):
            self.succeeds('get', self.root, module_data, target)
            self.assertTrue(stat.S_ISCHR(os.stat(target).st_mode))

    def test_a_full_device_is_a_failure_of_its_own(self):
        line = self.fails('get', self.root, self.put(), '/dev/full')
        self.assertTrue(line.startswith('mezeo_fsstore: /dev/full: No space left'), line)
        self.assertFalse('sweep' in line, line)

    def test_a_fifo_gets_all(self):
        module_data = self.put(content(3000000))
        os.mkfifo(self.target)
        found = []
        reader = threading.Thread(target=lambda: found.append(self.read(self.target)))
        reader.start()
        self.succeeds('get', self.root, module_data, self.target)
        reader.join()
        self.assertTrue(content(3000000) == found[0])
        self.assertTrue(stat.S_ISFIFO(os.stat(self.target).st_mode))

    def test_a_fifo_whose_reader_goes_away_is_a_failure(self):
        module_data = self.put(content(3000000))
        os.mkfifo(self.target)

        def read_some():
            with open(self.target, 'rb') as stream:
                stream.read(10)
        reader = threading.Thread(target=read_some)
        reader.start()
        line = self.fails('get', self.root, module_data, self.target)
        reader.join()
        self.assertTrue(self.target + ': Broken pipe' in line, line)

    def test_the_name_of_standard_output_is_standard_output(self):
        module_data = self.put()
        self.assertEqual('content', self.succeeds('get', self.root, module_data, '/dev/stdout'))
        with open(self.target, 'ab') as output:
            output.write(b'mine, ')
            output.flush()
            process = subprocess.Popen(
                [sys.executable, '-m', 'mezeo_fsstore', 'get', self.root, module_data,
                 '/dev/stdout'], stdout=output, env=environment(PROJECT))
            self.assertEqual(0, process.wait())
        self.assertEqual(b'mine, content', self.read(self.target))

    def test_a_file_without_a_name_is_written_as_it_is(self):
        module_data = self.put()
        with open(self.target, 'w+b') as stream:
            os.unlink(self.target)
            shell = subprocess.Popen(
                ['sh', '-c', 'exec "$@" /dev/fd/3 3>&0', 'sh', sys.executable, '-m',
                 'mezeo_fsstore', 'get', self.root, module_data], stdin=stream,
                env=environment(PROJECT))
            self.assertEqual(0, shell.wait())
            stream.seek(0)
            self.assertEqual(b'content', stream.read())
        self.assertEqual(['root'], self.left())


class DamagedTest(TargetTestCase):

    def setUp(self):
        super(DamagedTest, self).setUp()
        self.module_data = self.put(content(1000000))
        with open(self.path(self.module_data), 'r+b') as stream:
            if not disk.get_digest(stream.fileno(), self.path(self.module_data)):
                self.skipTest('this filesystem keeps no digests')
            stream.seek(999999)
            stream.write(b'\0' if content(1000000)[-1:] != b'\0' else b'\1')

    def test_a_damaged_object_is_told_before_its_end_and_replaces_nothing(self):
        self.write(self.target)
        line = self.fails('get', self.root, self.module_data, self.target)
        self.assertTrue(line.startswith('mezeo_fsstore: %s: the object is damaged'
                                        % self.path(self.module_data)), line)
        self.assertFalse('disk fails' in line, line)
        self.assertEqual((b'mine', ['root', 'target']), (self.read(self.target), self.left()))
        status, output, errors = self.run_command('get', self.root, self.module_data)
        self.assertEqual((1, 1), (status, errors.count(b'\n')))
        self.assertTrue(len(output) < 1000000, len(output))
