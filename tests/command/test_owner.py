"""Run by the superuser, the command acts as the owner of the root, with all of his groups."""

import os
import subprocess
import sys

from tests.support import (
    PROJECT, CommandTestCase, environment, find_program, run_python, unittest)

# All imports come first: this Python may lie where the other user can't reach it.
PROGRAM = '''
import os, sys, encodings.ascii, encodings.latin_1
from mezeo_fsstore.admin import command_line
command_line._parser()
status = command_line.main(sys.argv[1:])
sys.stderr.write('%r %r %r' % (os.getresuid(), os.getresgid(), sorted(os.getgroups())))
sys.exit(status)
'''

# Of nobody on any machine.
USER, GROUP, OTHER_GROUP = 54321, 54322, 54323


@unittest.skipUnless(os.geteuid() == 0, 'only the superuser can become another user')
class OwnerTest(CommandTestCase):

    def setUp(self):
        super(OwnerTest, self).setUp()
        self.let_all_in()

    def identity(self, user, group, *groups):
        return '%r %r %r' % ((user,) * 3, (group,) * 3, sorted(groups))

    def with_users(self, *arguments):
        """Run PROGRAM where the user mezeo is of the groups mezeo and shared; return its result."""
        files = {'passwd': 'root:x:0:0::/:/bin/sh\nmezeo:x:%d:%d::/:/bin/sh\n' % (USER, GROUP),
                 'group': 'root:x:0:\nmezeo:x:%d:\nshared:x:%d:mezeo\n' % (GROUP, OTHER_GROUP),
                 'nsswitch.conf': 'passwd: files\ngroup: files\n'}
        script = ''
        for name in sorted(files):
            path = os.path.join(self.folder, name)
            with open(path, 'w') as stream:
                stream.write(files[name])
            os.chmod(path, 0o644)
            script += 'mount --bind %s /etc/%s || exit 99\n' % (path, name)
        if find_program('unshare') is None or not os.path.exists('/etc/nsswitch.conf'):
            self.skipTest('no users can be made here for a moment')
        process = subprocess.Popen(
            ['unshare', '-m', 'sh', '-c', script + 'exec "$@"', 'sh', sys.executable, '-c',
             PROGRAM] + list(arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment(PROJECT))
        output, errors = process.communicate(b'content')
        if process.returncode == 99 or b'unshare' in errors:
            self.skipTest('no users can be made here for a moment: %r' % errors)
        return process.returncode, output.decode('utf-8'), errors.decode('utf-8')

    def test_what_the_superuser_stores_belongs_to_the_owner_of_the_root(self):
        owner = (USER, OTHER_GROUP)
        os.chown(self.root, *owner)
        source = os.path.join(self.folder, 'private')
        with open(source, 'wb') as stream:
            stream.write(b'content')
        os.chmod(source, 0o600)
        for arguments in (['put', self.root, source], ['check', self.root], ['init', self.root]):
            status, output, errors = run_python('-c', PROGRAM, *arguments)
            self.assertEqual((0, self.identity(*owner)), (status, errors.decode('ascii')))
        for folder, folders, names in os.walk(self.root):
            for name in set(folders + names) - set(['.mezeo_fsstore']):
                status = os.stat(os.path.join(folder, name))
                self.assertEqual(owner, (status.st_uid, status.st_gid))

    def test_what_the_superuser_removes_is_removed_by_the_owner_of_the_root(self):
        """An NFS server does not let him do it himself, with `root_squash`."""
        stored = self.put()
        os.chown(self.root, USER, GROUP)
        os.chown(os.path.dirname(self.path(stored)), USER, GROUP)
        for arguments in (['rm', self.root, stored], ['sweep', self.root, '--delete'],
                          ['scrub', self.root]):
            status, _, errors = run_python('-c', PROGRAM, *arguments)
            self.assertEqual((0, self.identity(USER, GROUP)), (status, errors.decode('ascii')))

    def test_he_has_the_groups_that_the_server_has(self):
        os.chown(self.root, USER, 0)
        status, output, errors = self.with_users('put', self.root, '-')
        self.assertEqual((0, self.identity(USER, GROUP, GROUP, OTHER_GROUP)), (status, errors))
        found = os.stat(self.path(output))
        self.assertEqual((USER, GROUP), (found.st_uid, found.st_gid))

    def test_the_way_to_the_root_may_lead_through_a_folder_of_one_of_his_groups(self):
        way = os.path.join(self.folder, 'way')
        os.mkdir(way)
        os.rename(self.root, os.path.join(way, 'root'))
        self.root = os.path.join(way, 'root')
        os.chown(self.root, USER, GROUP)
        os.chown(way, 0, OTHER_GROUP)
        os.chmod(way, 0o710)
        status, output, errors = self.with_users('put', self.root, '-')
        self.assertEqual(0, status, errors)

    def test_a_user_without_an_entry_has_the_group_of_the_root(self):
        os.chown(self.root, USER, OTHER_GROUP)
        status, _, errors = run_python('-c', PROGRAM, 'put', self.root, '-', input=b'content')
        self.assertEqual((0, self.identity(USER, OTHER_GROUP)), (status, errors.decode('ascii')))

    def test_the_names_of_users_are_told_and_not_their_numbers(self):
        os.chown(self.root, USER, GROUP)
        _, output, _ = self.with_users('put', self.root, '-')
        status, text, _ = self.with_users('stat', self.root, output.strip())
        self.assertTrue('\nowner  mezeo\ngroup  mezeo\n' in text, text)

    def test_a_user_without_a_name_is_told_by_his_number(self):
        module_data = self.put()
        os.chown(self.path(module_data), USER, GROUP)
        text = self.succeeds('stat', self.root, module_data)
        self.assertTrue('\nowner  %d\ngroup  %d\n' % (USER, GROUP) in text, text)
