"""`stat`, and the ways in which an object may be named to each command that takes one."""

import json
import os
import re

from mezeo_fsstore.admin.formats import utc
from tests import content
from tests.support import CommandTestCase, mock, path_in

# Seconds since 1970, which some filesystems keep.
NO_DATE = 67768036191676800


class StatTest(CommandTestCase):

    def setUp(self):
        super(StatTest, self).setUp()
        self.module_data = self.put(content(12345))
        os.utime(self.path(self.module_data), (0, 1338552000.5))
        os.chmod(self.path(self.module_data), 0o640)

    def test_it_tells_path_size_time_mode_and_owner(self):
        lines = self.succeeds('stat', self.root, self.module_data).splitlines()
        found = dict(re.match('([a-z0-9]+) +(.*)$', line).groups() for line in lines)
        self.assertEqual(
            dict(path=path_in(self.module_data), file=self.path(self.module_data), size='12345',
                 time='2012-06-01T12:00:00Z', mode='0640', owner=found['owner'],
                 group=found['group'], sha256=found['sha256']), found)

    def test_json_says_the_same(self):
        found = json.loads(self.succeeds('stat', self.root, self.module_data, '--json'))
        self.assertEqual(
            dict(path=path_in(self.module_data), file=self.path(self.module_data), size=12345,
                 mtime=1338552000.5, mode='0640', owner=found['owner'], group=found['group'],
                 sha256=found['sha256']), found)

    def test_a_time_that_no_calendar_has_is_told_as_a_number(self):
        os.utime(self.path(self.module_data), (0, NO_DATE))
        kept = os.stat(self.path(self.module_data)).st_mtime == NO_DATE
        output = self.succeeds('stat', self.root, self.module_data)
        self.assertEqual(kept, '\ntime   @%d\n' % NO_DATE in output, output)
        with mock.patch('mezeo_fsstore.admin.formats.time.gmtime', side_effect=OverflowError):
            self.assertEqual('@%d' % NO_DATE, utc(NO_DATE))

    def test_what_is_no_object_is_not_told_as_one(self):
        absent = self.storage.new_data(None)
        self.assertTrue('ls lists' in self.fails('stat', self.root, absent))
        folder = self.storage.new_data(None)
        os.makedirs(self.path(folder))
        self.assertTrue('ls --foreign' in self.fails('stat', self.root, folder))
        os.symlink(self.path(self.module_data), self.path(self.absent_beside(folder)))
        self.assertTrue('ls --foreign' in self.fails(
            'stat', self.root, self.absent_beside(folder)))

    def absent_beside(self, module_data):
        return module_data[:-3] + '0"}' if module_data[-3] != '0' else module_data[:-3] + '1"}'


class NamedTest(CommandTestCase):

    def names(self, module_data):
        """Return all ways to name the object."""
        path = path_in(module_data)
        lines = self.succeeds('ls', self.root) + self.succeeds('ls', self.root, '--json')
        found = [line for line in lines.splitlines() if path in line]
        self.assertEqual(2, len(found))
        return found + [
            module_data, path, os.path.join(self.root, path),
            os.path.join('root', path), os.path.join('link', path),
            os.path.join(self.root, '', '.', path), '{"path":"%s", "other": 1}' % path]

    def test_its_module_data_its_path_and_its_line_name_it(self):
        os.symlink(self.root, os.path.join(self.folder, 'link'))
        self.put(b'other')
        module_data = self.put()
        for name in self.names(module_data):
            options = {'cwd': self.folder}
            self.assertEqual('7\n', self.succeeds('size', self.root, name, **options), name)
            self.assertEqual('content', self.succeeds('get', self.root, name, **options))
            self.assertTrue(path_in(module_data) in self.succeeds('stat', self.root, name,
                                                                  **options))
            self.succeeds('rm', self.root, name, **options)
            self.assertFalse(os.path.exists(self.path(module_data)))
            self.assertEqual(module_data + '\n', self.succeeds(
                'put', self.root, '-', '--as', name, input=b'content', **options))

    def test_two_lines_are_bad_use(self):
        first, second = self.put(), self.put()
        for two in ('%s\n%s' % (first, second), first + '\n', '\n' + first,
                    '%s\n%s' % (path_in(first), path_in(second))):
            for arguments in (['rm', self.root, two], ['get', self.root, two],
                              ['size', self.root, two], ['stat', self.root, two],
                              ['put', self.root, '-', '--as', two, '--replace']):
                status, output, errors = self.run_command(*arguments)
                self.assertEqual((2, b''), (status, output), arguments)
                self.assertTrue(errors.startswith(b'usage: ') and b'one line' in errors, errors)
        self.assertEqual(b'content', self.get(first))

    def test_the_file_of_another_root_names_nothing(self):
        module_data, other = self.put(), os.path.join(self.folder, 'other')
        os.mkdir(other)
        for folder in (other, self.folder, os.path.join(self.folder, 'missing'), '/'):
            full = os.path.join(folder, path_in(module_data))
            line = self.fails('rm', self.root, full)
            self.assertTrue(full in line and self.root in line, line)
        self.assertEqual(b'content', self.get(module_data))
