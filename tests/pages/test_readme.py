"""README.md: its commands for a node work, and each example of "Running it" does what it shows."""

import os
import re
import shutil
import tempfile
import textwrap

from tests.pages.page_steps import RootShell
from tests.support import PROJECT, unittest

LEFT = '3f0/.3f0c58e990a355f5f07de05d645163a5.9b2f01c3a4d5e6f7'


def read(name):
    with open(os.path.join(PROJECT, name), 'rb') as stream:
        return stream.read().decode('utf-8')


def section(title):
    return re.search('^## %s$(.*?)^## ' % title, read('README.md'), re.M | re.S).group(1)


class ExamplesTest(RootShell, unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='mezeo_fsstore-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.make_places()
        self.root = os.path.join(self.folder, 'srv', 'objects')

    def local(self, text):
        # The name in the README is one of many.
        return super(ExamplesTest, self).local(text.replace("grep '\"e28/'", 'grep path'))

    def normal(self, text):
        """Return `text` without what differs from one machine and run to another."""
        text = text.replace(self.root, '/srv/objects')
        # There is no lost+found here, and a warning in the place of an ok is no fault.
        for pattern, replacement in (
                (r'^foreign\t.*\n', ''),
                (r'[0-9a-f]{3}/[0-9a-f]{32}', 'PATH'),
                (r'^(owner|group)  .*', r'\1 NAME'),
                (r'^sha256 .*', 'sha256 DIGEST'),
                (r'[0-9a-f]{32}', 'ID'),
                (r'\d{4}-\d\d-\d\dT[0-9:]*Z', 'TIME'),
                (r'\d+(\.\d+)?', 'N'),
                (r'no fixed number', 'N of N'),
                (r'able by \S+:', 'able by USER:'),
                (r', N warnings?: see above', ''),
                (r', as the filesystem served it', ''),
                (r' [KMGT]iB', ''),
                (r'^warn ', 'ok   '),
                (r': it is nearly full', ''),
                (r'  +', ' '),
                (r' -( -)* -', ' N N N N%')):
            text = re.sub(pattern, replacement, text, flags=re.M)
        return text

    def set_up_node(self):
        """Return what a root shell does for a node."""
        blocks = re.findall('^ +```sh\n(.*?)^ +```$', section('On a node'), re.M | re.S)
        self.assertEqual(4, len(blocks))
        return [(self.local(textwrap.dedent(block)), '...') for block in blocks]

    def leave_temporary(self):
        left = os.path.join(self.root, LEFT)
        os.mkdir(os.path.dirname(left))
        os.chmod(os.path.dirname(left), 0o700)
        with open(left, 'wb') as stream:
            stream.write(b'x' * 1048576)
        os.utime(left, (0, 1338552000))
        self.give_to_server(self.root)

    def test_every_example_does_what_it_shows(self):
        clone, node = self.clone(), self.set_up_node()
        self.walk('', 0, clone, node)
        self.leave_temporary()
        again = re.findall('^(?:cd|alias) .*$', '\n'.join(command for command, _ in node), re.M)
        self.assertEqual(2, len(again))
        self.walk(section('Running it'), 13, clone, [(line, '') for line in again])


class ReadmeTest(unittest.TestCase):

    def test_it_shows_every_command(self):
        for name in ('check', 'put', 'get', 'size', 'stat', 'rm', 'ls', 'df', 'sweep',
                     'scrub'):
            shown = '\n$ mezeo_fsstore %s objects.json' % name
            self.assertTrue(shown in read('README.md'), shown)
        self.assertTrue('mezeo_fsstore init /srv/objects' in read('README.md'))

    def test_the_files_that_it_names_exist(self):
        for name in re.findall('`([a-z_]+/[a-z_./]*|[A-Z]+[.]md|[.]ci/run)`', read('README.md')):
            self.assertTrue(os.path.exists(os.path.join(PROJECT, name)), name)
        sources = os.listdir(os.path.join(PROJECT, 'mezeo_fsstore')) + ['setup.py']
        for name in re.findall('`([a-z]+[.]py)`', read('README.md')):
            self.assertTrue(name in sources, name)
