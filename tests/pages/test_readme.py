"""README.md: each example of "Running it" does what it shows."""

import os
import re
import subprocess
import sys

from tests.support import PROJECT, RootTestCase, environment, mark

LEFT = '3f0/.3f0c58e990a355f5f07de05d645163a5.9b2f01c3a4d5e6f7'


def read(name):
    with open(os.path.join(PROJECT, name), 'rb') as stream:
        return stream.read().decode('utf-8')


class ExamplesTest(RootTestCase):

    def examples(self):
        """Return pairs of a command of the section and the lines that it must print."""
        section = re.search('^## Running it$(.*?)^## ', read('README.md'), re.M | re.S).group(1)
        blocks = re.findall('^```console\n(.*?)^```$', section, re.M | re.S)
        return [(line.split('\n', 1)[0], line.split('\n', 1)[1])
                for block in blocks for line in re.split('^[$] ', block, flags=re.M)[1:]]

    def normal(self, text):
        """Return `text` without what differs from one machine and run to another."""
        text = text.replace(self.root, '/srv/objects')
        # There is no lost+found here, and a warning in the place of an ok is no fault.
        for pattern, replacement in (
                (r'^foreign\t.*\n', ''),
                (r'[0-9a-f]{3}/[0-9a-f]{32}', 'PATH'),
                (r'^(owner|group)  .*', r'\1 NAME'),
                (r'[0-9a-f]{32}', 'ID'),
                (r'\d{4}-\d\d-\d\dT[0-9:]*Z', 'TIME'),
                (r'\d+(\.\d+)?', 'N'),
                (r'no fixed number', 'N of N'),
                (r'able by \S+:', 'able by USER:'),
                (r', N warnings?: see above', ''),
                (r' [KMGT]iB', ''),
                (r'^warn ', 'ok   '),
                (r': it is nearly full', ''),
                (r'  +', ' '),
                (r' -( -)* -', ' N N N N%')):
            text = re.sub(pattern, replacement, text, flags=re.M)
        return text

    def test_every_example_does_what_it_shows(self):
        mark(self.root)
        os.mkdir(os.path.join(self.root, '3f0'))
        os.chmod(os.path.join(self.root, '3f0'), 0o700)
        with open(os.path.join(self.root, LEFT), 'wb') as left:
            left.write(b'x' * 1048576)
        os.utime(os.path.join(self.root, LEFT), (0, 1338552000))
        shell = subprocess.Popen(
            ['sh'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=PROJECT, env=environment(PROJECT))
        examples = self.examples()
        self.assertTrue(len(examples) > 12)
        for command, _ in examples:
            command = command.replace('/srv/objects', self.root)
            command = command.replace('python -m', '%s -m' % sys.executable)
            # The name in the README is one of many.
            command = command.replace("grep '\"e28/'", "grep path")
            shell.stdin.write(('%s\necho "=== $?"\n' % command).encode('utf-8'))
        output = shell.communicate()[0].decode('utf-8')
        parts = re.split('^=== ([0-9]+)\n', output, flags=re.M)
        self.assertEqual(['0'] * len(examples), parts[1::2], output)
        for (command, expected), found in zip(examples, parts[::2]):
            expected, found = self.normal(expected), self.normal(found)
            for line in expected.split('...\n'):
                self.assertTrue(line in found, '%s\nprints\n%s\nand not\n%s'
                                % (command, found, line))
            if '...' not in expected:
                self.assertEqual(expected, found)
        for path in self.files():
            if not path.startswith('.'):
                os.unlink(os.path.join(self.root, path))


class ReadmeTest(RootTestCase):

    def test_it_shows_every_command(self):
        for name in ('check', 'init', 'put', 'get', 'size', 'stat', 'rm', 'ls', 'df', 'sweep'):
            shown = 'python -m mezeo_fsstore %s /srv/objects' % name
            self.assertTrue(shown in read('README.md'), shown)

    def test_the_files_that_it_names_exist(self):
        for name in re.findall('`([a-z_]+/[a-z_./]*|[A-Z]+[.]md|[.]ci/run)`', read('README.md')):
            self.assertTrue(os.path.exists(os.path.join(PROJECT, name)), name)
        sources = os.listdir(os.path.join(PROJECT, 'mezeo_fsstore')) + ['setup.py']
        for name in re.findall('`([a-z]+[.]py)`', read('README.md')):
            self.assertTrue(name in sources, name)
