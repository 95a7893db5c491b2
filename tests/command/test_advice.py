"""A failure is one line: the path, the system's words, and a cure for the thing that failed."""

import errno
import os
import subprocess

from mezeo_fsstore import StorageUnavailable
from mezeo_fsstore.admin.advice import SOURCE, TARGET, Failed, blame, explain
from mezeo_fsstore.admin.users import group_name, user_name
from tests.support import (
    CommandTestCase, environment, find_program, path_in, run_python, unittest)

# All imports come first: this Python may lie where the other user can't reach it.
PROGRAM = '''
import os, sys, encodings.ascii, encodings.latin_1
from mezeo_fsstore.admin import command_line
command_line._parser()
os.setgroups([])
os.setgid(%d)
os.setuid(%d)
sys.exit(command_line.main(sys.argv[1:]))
'''

# Of nobody on any machine.
USER, STRANGER = 54321, 54322


class CureTest(CommandTestCase):

    def explained(self, number, *path):
        """Return the line for this error of the system at a path below the root."""
        return explain(OSError(number, os.strerror(number), os.path.join(*path)), self.root)

    def test_the_path_comes_first_and_no_number_is_told(self):
        path = os.path.join(self.root, '000', '0' * 32)
        for number in errno.errorcode:
            line = self.explained(number, path)
            self.assertTrue(line.startswith('%s: %s' % (path, os.strerror(number))), line)
            self.assertFalse('[Errno' in line, line)

    def test_each_error_of_a_disk_has_a_cure_in_the_root(self):
        for number, cure in (
                (errno.EUCLEAN, 'run fsck'), (errno.EBADMSG, 'run fsck'),
                (errno.EOVERFLOW, 'touch'), (errno.ENOSYS, 'check tells'),
                (errno.ERANGE, 'check tells'), (errno.EOPNOTSUPP, 'check tells'),
                (errno.ENOSPC, 'sweep'), (errno.EDQUOT, 'quota'), (errno.EROFS, 'remount'),
                (errno.EFBIG, 'limit'), (errno.EIO, 'kernel log'), (errno.ESTALE, 'mount it'),
                (errno.ENOTCONN, 'mount it'), (errno.EMFILE, 'ulimit'), (errno.ENFILE, 'file-max')):
            for path in ('', '000', os.path.join('000', '0' * 32)):
                self.assertTrue(cure in self.explained(number, self.root, path), number)

    def test_only_an_object_is_looked_for_with_ls(self):
        for number in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL):
            self.assertTrue(' ls ' in self.explained(number, self.root, '000', '0' * 32))
            for path in ('', '000', '.mezeo_fsstore'):
                self.assertFalse(' ls ' in self.explained(number, self.root, path))

    def test_a_cure_for_the_root_is_for_what_lies_in_it(self):
        for path in (self.folder, self.root + '2', '/dev/full', os.path.dirname(self.folder)):
            for number in errno.errorcode:
                line = self.explained(number, path)
                for word in ('sweep', ' ls --', 'chown', 'check', 'owns'):
                    self.assertFalse(word in line.split(': ', 1)[1], line)
        self.assertEqual('No space left on device', explain(
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), self.root))
        self.assertEqual('%s: No space left on device' % self.root, explain(
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.root), None))

    def test_sources_and_targets_have_words_of_their_own(self):
        for what, number, cure in (
                (SOURCE, errno.ENOENT, 'name a file that is there'),
                (SOURCE, errno.EACCES, 'user %s may not read it' % user_name(os.geteuid())),
                (SOURCE, errno.EIO, 'kernel log'), (SOURCE, errno.EUCLEAN, 'fsck'),
                (TARGET, errno.ENOSPC, 'where that file is to lie'),
                (TARGET, errno.EPERM, 'user %s may not write' % user_name(os.geteuid())),
                (TARGET, errno.EROFS, 'remount'), (TARGET, errno.EDQUOT, 'quota of the user')):
            try:
                with blame(what, 'name'):
                    raise OSError(number, os.strerror(number), self.root)
            except Failed as error:
                line = explain(error, self.root)
            self.assertTrue(line.startswith('name: ' + os.strerror(number)), line)
            self.assertTrue(cure in line, line)

    def test_a_root_that_is_refused_tells_its_own_cure(self):
        missing = os.path.join(self.folder, 'missing')
        line = self.fails('ls', missing)
        self.assertTrue(line.startswith('mezeo_fsstore: %s: root is no existing' % missing), line)
        error = StorageUnavailable(errno.ENODEV, 'root is missing: mount the volume', self.root)
        self.assertEqual('%s: root is missing: mount the volume' % self.root,
                         explain(error, self.root))

    def test_a_loop_of_links_is_no_foreign_object(self):
        loop = os.path.join(self.folder, 'loop')
        os.symlink(loop, loop)
        line = self.fails('ls', loop)
        self.assertTrue('leads in a circle' in line and 'foreign' not in line, line)

    def test_what_is_immutable_is_told_so(self):
        path = self.path(self.put())
        program = find_program('chattr')
        if program is None or subprocess.call([program, '+i', path], stderr=subprocess.PIPE):
            line = self.explained(errno.EPERM, path)
        else:
            line = self.fails('rm', self.root, path)
            subprocess.check_call([program, '-i', path])
        self.assertTrue('lsattr -d %s' % path in line, line)

    def test_what_is_forbidden_by_other_rules_is_told_so(self):
        line = self.explained(errno.EACCES, self.path(self.put()))
        self.assertTrue('SELinux' in line and 'chown' not in line, line)

    def test_a_root_that_vanishes_meanwhile_ends_no_explanation(self):
        os.rename(self.root, self.root + '2')
        self.assertTrue('Permission denied' in self.explained(errno.EACCES, self.root, '000'))
        os.rename(self.root + '2', self.root)


@unittest.skipUnless(os.geteuid() == 0, 'only the superuser can become another user')
class RightsTest(CommandTestCase):

    def setUp(self):
        super(RightsTest, self).setUp()
        self.let_all_in()
        self.module_data = self.put()
        self.file = self.path(self.module_data)
        self.shard = os.path.dirname(self.file)
        for path in (self.root, self.shard, self.file):
            os.chown(path, USER, USER)

    def line(self, user, *arguments):
        status, _, errors = run_python('-c', PROGRAM % (user, user), *arguments)
        line = errors.decode('utf-8')
        self.assertEqual((1, 1), (status, line.count('\n')), line)
        self.assertTrue('Permission denied' in line, line)
        return line

    def get(self, user=USER):
        return self.line(user, 'get', self.root, self.module_data)

    def test_a_file_of_another_is_given_to_the_owner_alone(self):
        os.chown(self.file, 0, 0)
        self.assertTrue('(chown %d:%d %s)\n' % (USER, USER, self.file) in self.get())

    def test_a_directory_of_another_is_given_with_what_is_in_it(self):
        os.chown(self.shard, 0, 0)
        self.assertTrue('(chown -R %d:%d %s)\n' % (USER, USER, self.shard) in self.get())

    def test_a_mode_that_keeps_the_owner_out_is_changed(self):
        for path in (self.file, self.shard, self.root):
            mode = os.stat(path).st_mode & 0o777
            os.chmod(path, 0)
            line = self.get()
            self.assertTrue('(chmod u+rwX %s)\n' % path in line and 'chown' not in line, line)
            os.chmod(path, mode)

    def test_another_user_is_told_whose_root_it_is(self):
        os.chmod(self.root, 0o700)
        line = self.line(STRANGER, 'get', self.root, self.module_data)
        self.assertTrue('(run this as user %d, who owns the root)' % USER in line, line)
        os.chown(self.root, 0, 0)
        line = self.line(STRANGER, 'get', self.root, self.module_data)
        self.assertTrue('(the root belongs to root' in line, line)

    def test_users_are_told_by_name(self):
        name = user_name(65534)
        if name == '65534':
            self.skipTest('no user has this number here')
        os.chown(self.root, 65534, 65534)
        os.chmod(self.root, 0o700)
        self.assertTrue('run this as user %s, ' % name in self.get(STRANGER))
        os.chown(self.shard, 0, 0)
        self.assertTrue('chown -R %s:%s ' % (name, group_name(65534)) in self.get(65534))

    def test_the_way_to_a_root_is_given_to_nobody(self):
        way = os.path.join(self.folder, 'way')
        os.mkdir(way)
        root = os.path.join(way, 'root')
        for made in (False, True):
            if made:
                os.rename(self.root, root)
            os.chmod(way, 0o700)
            line = self.line(USER, 'ls', root)
            self.assertTrue('user %d may not pass %s: is the volume mounted?' % (USER, way) in line,
                            line)
            self.assertFalse('chown' in line, line)
        os.rename(root, self.root)

    def test_a_path_that_the_shell_would_split_is_quoted(self):
        root = os.path.join(self.folder, "a root's")
        os.rename(self.root, root)
        path = os.path.join(root, path_in(self.module_data))
        os.chown(path, 0, 0)
        line = self.line(USER, 'get', root, self.module_data)
        command = line[line.index('(chown') + 1:line.rindex(')')]
        words = subprocess.check_output(
            ['sh', '-c', 'for word in %s; do echo "$word"; done' % command],
            env=environment()).decode('utf-8')
        self.assertEqual(['chown', '%d:%d' % (USER, USER), path], words.splitlines())
        os.rename(root, self.root)
