"""What the command shows of digests: `ls --sha256`, `stat`, `get` and `check`."""

import hashlib
import json
import os
import subprocess

from mezeo_fsstore.admin import check_offers
from tests import Stream, content
from tests.command.test_scrub import ScrubCase
from tests.support import mounted, set_attribute, unittest


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class ManifestTest(ScrubCase):

    def test_sha256sum_takes_it_in_the_root(self):
        for size in (0, 5, 70000):
            self.put(content(size))
        manifest = self.succeeds('ls', self.root, '--sha256')
        self.assertEqual(3, manifest.count('\n'))
        self.assertEqual(0, self.sha256sum(manifest))
        self.flip(self.put(b'content'))
        self.assertEqual(1, self.sha256sum(self.succeeds('ls', self.root, '--sha256')))

    def sha256sum(self, manifest):
        process = subprocess.Popen(['sha256sum', '-c', '--quiet', '-'], cwd=self.root,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.communicate(manifest.encode('ascii'))
        return process.returncode

    def test_what_has_no_digest_is_left_out_and_said_and_the_exit_status_is_1(self):
        self.put(b'one')
        bad = self.put(b'two')
        for value in (None, 'no digest'):
            set_attribute(self.path(bad), value)
            status, output, errors = self.run_command('ls', self.root, '--sha256')
            self.assertEqual((1, 1), (status, output.count(b'\n')))
            self.assertTrue(b'1 object without a digest: left out' in errors, errors)
            set_attribute(self.path(bad), '0' * 64)

    def test_it_goes_with_no_other_form(self):
        for other in ('--json', '--foreign'):
            status, _, errors = self.run_command('ls', self.root, '--sha256', other)
            self.assertEqual(2, status, errors)


class StatTest(ScrubCase):

    def test_it_shows_the_digest_or_that_there_is_none(self):
        module_data = self.put(b'content')
        self.assertTrue('sha256 %s\n' % sha256(b'content') in self.succeeds(
            'stat', self.root, module_data))
        found = json.loads(self.succeeds('stat', self.root, module_data, '--json'))
        self.assertEqual(sha256(b'content'), found['sha256'])
        module_data = self.make(digest='none').put(None, Stream(b'x'))
        self.assertTrue('sha256 none\n' in self.succeeds('stat', self.root, module_data))
        found = json.loads(self.succeeds('stat', self.root, module_data, '--json'))
        self.assertTrue(found['sha256'] is None)


class GetTest(ScrubCase):

    def test_a_damaged_object_is_a_failure_and_replaces_no_file(self):
        module_data = self.put(content(300000))
        target = os.path.join(self.folder, 'target')
        with open(target, 'w') as stream:
            stream.write('what was there')
        self.flip(module_data, 5)
        line = self.fails('get', self.root, module_data, target)
        self.assertTrue('damaged' in line and self.path(module_data) in line, line)
        with open(target) as stream:
            self.assertEqual('what was there', stream.read())


class CheckTest(ScrubCase):

    def checked(self, name):
        """Return the line of `check` with that name."""
        output = self.run_command('check', self.root)[1].decode('utf-8')
        return [line for line in output.splitlines() if name in line][0]

    def test_it_tells_how_fast_this_python_hashes(self):
        self.assertTrue(self.checked('hashing').endswith(' MiB in a second'))

    def test_it_tells_whether_a_digest_costs_a_block(self):
        self.assertTrue(self.checked('a digest takes no block').startswith('ok '))

    def test_an_ext4_of_small_inodes_is_a_warning_with_its_cure(self):
        image = os.path.join(self.folder, 'image')
        with open(image, 'wb') as target:
            target.truncate(64 * 1024 ** 2)
        try:
            subprocess.check_output(['mkfs.ext4', '-q', '-F', '-I', '128', image],
                                    stderr=subprocess.STDOUT)
        except OSError as error:
            self.skipTest('no mkfs.ext4: %s' % error)
        with mounted(self, 'ext4', self.root, 'loop', source=image):
            line = self.checked('a digest takes no block')
        self.assertTrue(line.startswith('warn ') and 'mkfs.ext4 -I 512' in line, line)


class SpeedTest(unittest.TestCase):

    def test_it_is_that_of_eight_mebibytes(self):
        self.assertEqual(8 * 1024 ** 2, 64 * 32 * len(check_offers._CONTENT))
