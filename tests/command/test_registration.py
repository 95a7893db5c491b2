"""ROOT: the file with a registration, or the root; and what is neither."""

import json
import os
import re
import stat
import subprocess
import sys

from mezeo_fsstore.admin import command_line
from tests.support import (
    PROJECT, CommandTestCase, environment, find_program, mock, run_python, unittest)


class RegistrationTestCase(CommandTestCase):

    def write(self, content):
        """Return the path of a file with this content."""
        path = os.path.join(self.folder, 'file')
        with open(path, 'w') as target:
            target.write(content)
        return path

    def refused(self, *arguments):
        """Return the one line of what is bad usage, in this process: there are many."""
        with mock.patch.object(sys, 'stderr') as stderr:
            self.assertEqual(2, command_line.main(arguments))
        (((line,), _),) = stderr.write.call_args_list
        self.assertTrue(line.startswith('mezeo_fsstore: '), line)
        self.assertEqual(1, line.count('\n'), line)
        return line

    def commands(self, root):
        """Return each command there is on `root`, but for check and init, as its arguments."""
        found = re.findall('^    ([a-z]+) ', self.succeeds('--help'), re.M)
        self.assertTrue(len(found) >= 9, found)
        source = os.path.join(self.folder, 'source')
        open(source, 'w').close()
        more = {'put': [source], 'get': [self.put()], 'size': [self.put()], 'stat': [self.put()],
                'rm': [self.put()]}
        return [[name, root] + more.get(name, []) for name in found
                if name not in ('check', 'init')]


class RootTest(RegistrationTestCase):

    def test_a_file_with_the_registration_serves_every_command(self):
        registration = self.registration(root_id=self.root_id, file_mode='0644')
        for arguments in self.commands(registration) + [
                ['check', registration], ['init', registration]]:
            self.succeeds(*arguments)

    def test_the_arguments_of_the_registration_are_followed(self):
        registration = self.registration(file_mode='0644', root_id=self.root_id)
        module_data = self.succeeds('put', registration, '-')
        self.assertEqual(0o644, stat.S_IMODE(os.stat(self.path(module_data)).st_mode))

    def test_what_init_prints_is_a_registration(self):
        self.unmark()
        registration = self.write(self.succeeds('init', self.root))
        self.succeeds('ls', registration)
        self.unmark()
        self.assertTrue('no marker' in self.fails('ls', registration))

    def test_an_unmounted_volume_is_a_failure_of_every_command(self):
        registration = self.registration(root_id=self.root_id)
        commands = self.commands(registration)
        self.unmark()
        before = self.files()
        for arguments in commands + [['init', registration]]:
            line = self.fails(*arguments)
            self.assertTrue('has no marker' in line and 'mount the right volume' in line, line)
            self.assertFalse('init' in line.replace(registration, ''), line)
        self.assertEqual(1, self.run_command('check', registration)[0])
        self.assertEqual(before, self.files())
        self.assertFalse(os.path.exists(os.path.join(self.root, '.mezeo_fsstore')))

    def test_another_volume_is_a_failure_of_every_command(self):
        registration = self.registration(root_id='0' * 32)
        for arguments in self.commands(registration) + [['init', registration]]:
            self.assertTrue('has the marker of' in self.fails(*arguments))
        self.assertEqual(1, self.run_command('check', registration)[0])

    def test_every_command_says_where_there_is_no_marker(self):
        commands = self.commands(self.root)
        commands += [[arguments[0], self.registration()] + arguments[2:]
                     for arguments in self.commands(self.root)]
        self.unmark()
        for arguments in commands:
            status, _, errors = self.run_command(*arguments)
            self.assertEqual(0, status, errors)
            said = 'mezeo_fsstore: %s has no marker: it may be the empty folder of a volume that ' \
                   'is not mounted\n' % self.root
            self.assertTrue(said in errors.decode('ascii'), (arguments, errors))

    def test_the_file_may_be_named_from_where_one_is(self):
        name = os.path.basename(self.registration(root_id=self.root_id))
        self.succeeds('ls', name, cwd=self.folder)

    def test_no_root_and_all_of_the_disk_are_bad_usage(self):
        link = os.path.join(self.folder, 'link')
        os.symlink('/', link)
        for root in ('/', '//', '/.', '/..', '/tmp/..', link):
            for arguments in (['init', root], ['ls', root], ['check', root]):
                self.assertTrue('the root is /' in self.refused(*arguments))
        self.assertTrue('the root is /' in self.refused('ls', self.registration(root='/')))
        for arguments in (['init', ''], ['ls', ''], ['check', '']):
            self.assertTrue('ROOT is empty' in self.refused(*arguments))
            status, _, errors = self.run_command(*arguments, cwd=self.root)
            self.assertEqual(2, status)
        self.assertFalse(os.path.exists('/.mezeo_fsstore'))

    def test_what_is_missing_is_no_bad_usage(self):
        # It may be a volume that is not mounted.
        missing = os.path.join(self.folder, 'missing')
        self.assertTrue(missing in self.fails('ls', missing))
        self.assertTrue(missing in self.fails('ls', self.registration(root=missing)))


class FileTest(RegistrationTestCase):

    def test_what_is_no_registration_is_bad_usage(self):
        good = {'module': 'mezeo_fsstore.FilesystemStorage', 'args': {'root': self.root}}
        for content, words in (
                ('', 'empty'), ('{', 'JSON'), ('5', 'JSON'), ('[]', 'JSON'), ('null', 'JSON'),
                ('{"module": "x"} trailing', 'JSON'), ('x' * 1000000, 'JSON'),
                (json.dumps({}), 'module is null'),
                (json.dumps(dict(good, module='simple.simple.SimpleStorage')), 'simple.simple'),
                (json.dumps(dict(good, module=5)), 'module is 5'),
                (json.dumps(dict(good, colour='blue')), '"colour"'),
                (json.dumps(dict(good, argument=good['args'])), '"argument"'),
                (json.dumps({'module': good['module']}), 'args is null'),
                (json.dumps(dict(good, args=[])), 'args is []')):
            path = self.write(content)
            for arguments in (['ls', path], ['put', path, '-'], ['init', path], ['check', path]):
                line = self.refused(*arguments)
                self.assertTrue(path in line and words in line, (content[:50], line))
        with open(path, 'wb') as target:
            target.write(b'\xff\xfe')
        self.assertTrue('JSON' in self.refused('ls', path))

    def test_arguments_are_refused_as_the_constructor_refuses_them(self):
        for arguments in ({'root_id': ''}, {'root_id': 'F' * 32}, {'root_id': 5},
                          {'file_mode': 400}, {'durable': 'maybe'}, {'colour': 'blue'},
                          {u'\xe9': 1}, {'root': 'relative'}, {'root': None}, {'root': 5}):
            path = self.registration(**arguments)
            for command in ('ls', 'df', 'init', 'sweep', 'check'):
                line = self.refused(command, path)
                self.assertTrue(path in line and 'argument ' in line, line)
        self.assertEqual([], self.files())

    def test_a_file_that_can_not_be_read_is_a_failure(self):
        path = os.path.join(self.folder, 'loop')
        os.symlink(path, path)
        self.assertTrue(path in self.fails('ls', path))

    def test_arguments_on_the_line_are_said_to_go(self):
        status, output, errors = self.run_command(
            'put', self.root, '-', '--args', '{"file_mode": "0644"}')
        self.assertEqual(0, status)
        self.assertTrue(b'name that file as ROOT' in errors, errors)
        path = self.path(output.decode('ascii'))
        self.assertEqual(0o644, stat.S_IMODE(os.stat(path).st_mode))
        for bad in ('5', '{', '{"colour": "blue"}', '{"durable": "maybe"}', '{"root_id": "x"}', ''):
            status, _, errors = self.run_command('put', self.root, '-', '--args', bad)
            self.assertEqual(2, status, errors)
            self.assertFalse(b'Traceback' in errors, errors)
        path = self.registration()
        self.assertTrue('--args' in self.refused('put', path, '-', '--args', '{}'))


class InitFileTest(RegistrationTestCase):

    def test_it_adds_the_id_and_keeps_all_else(self):
        text = ('{"label": "R\\u00e4ume", "args": {"file_mode": "0640", "root": "%s", '
                '"durable": "false"}, "module": "mezeo_fsstore.FilesystemStorage"}')
        self.unmark()
        printed = self.succeeds('init', self.write(text % self.root))
        with open(os.path.join(self.root, '.mezeo_fsstore')) as marker:
            root_id = marker.read().strip()
        self.assertEqual(
            (text % self.root).replace('"false"', '"false", "root_id": "%s"' % root_id) + '\n',
            printed)

    def test_with_the_id_in_it_it_prints_the_same(self):
        printed = self.succeeds('init', self.registration())
        self.assertEqual(printed, self.succeeds('init', self.write(printed)))

    def test_it_marks_no_unmounted_volume(self):
        path = self.registration(root_id=self.root_id)
        self.unmark()
        self.assertTrue('mount' in self.fails('init', path))
        self.assertEqual([], os.listdir(self.root))


@unittest.skipUnless(os.geteuid() == 0, 'only the superuser can become another user')
class SuperuserTest(RegistrationTestCase):

    def setUp(self):
        super(SuperuserTest, self).setUp()
        self.let_all_in()
        for path in (self.root, os.path.join(self.root, '.mezeo_fsstore')):
            os.chown(path, 65534, 65534)

    def test_the_registration_is_read_before_rights_are_given_up(self):
        path = self.registration(root_id=self.root_id)
        os.chmod(path, 0o600)
        # The imports: this Python may lie where the other user can't reach it.
        program = ('import sys, encodings.ascii, encodings.latin_1\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(sys.argv[1:]))\n')
        for arguments in (['put', path, '-'], ['check', path], ['init', path], ['sweep', path]):
            status, _, errors = run_python('-c', program, *arguments)
            self.assertEqual((0, b''), (status, errors))

    def test_the_superuser_need_not_be_able_to_look_into_the_root(self):
        # As on a file server with root_squash.
        setpriv = find_program('setpriv')
        if setpriv is None:
            self.skipTest('setpriv is not installed')
        os.chmod(self.root, 0o700)
        program = ('import sys, encodings.ascii, encodings.latin_1\n'
                   'from mezeo_fsstore.admin.command_line import main\n'
                   'sys.exit(main(sys.argv[1:]))\n')
        for arguments in (['put', self.root, '-'], ['check', self.root], ['init', self.root],
                          ['sweep', self.root]):
            process = subprocess.Popen(
                [setpriv, '--bounding-set=-dac_override,-dac_read_search', sys.executable, '-c',
                 program] + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=environment(PROJECT))
            errors = process.communicate(b'content')[1]
            self.assertEqual((0, b''), (process.returncode, errors), arguments)
