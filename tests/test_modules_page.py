"""docs/modules.md: each step of the walk does what it shows."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import tests.kit
from tests import StorageModuleTestBase
from tests.support import PROJECT, environment, unittest
from tests.test_encrypted import missing

# A file that the reader makes, or a block of commands and what they print.
BLOCK = re.compile('^<!-- file: (.*?) -->\n```[a-z]+\n(.*?)^```$|^```console\n(.*?)^```$',
                   re.M | re.S)


def page():
    with open(os.path.join(PROJECT, 'docs', 'modules.md'), 'rb') as source:
        return source.read().decode('utf-8')


class WalkTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='walk-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(os.path.join(self.folder, 'walk'))
        os.mkdir(os.path.join(self.folder, 'index'))

    def local(self, text):
        """Return `text` with what is another on this machine."""
        text = text.replace('/path/to/mezeo_fsstore', PROJECT)
        text = text.replace('/srv/index', os.path.join(self.folder, 'index'))
        return re.sub(r'\bpython ', sys.executable + ' ', text)

    def steps(self, text):
        """Return pairs of a command, for the shell, and what it must print."""
        found = []
        for name, content, console in BLOCK.findall(text):
            if name:
                found.append(("cat > %s <<'END'\n%sEND" % (name, self.local(content)), ''))
            for step in re.split('^[$] ', console, flags=re.M)[1:]:
                command, expected = step.split('\n', 1)
                found.append((self.local(command), expected))
        return found

    def normal(self, text):
        """Return `text` without what differs from one run and Python to another."""
        for pattern, replacement in ((r'\d+\.\d+s', 'N s'), (r'-py[0-9.]+\.egg', '.egg'),
                                     (r'^[0-9a-f]{64}$', 'KEY'), (r'Ran \d+ tests', 'Ran N')):
            text = re.sub(pattern, replacement, text, flags=re.M)
        return text

    def run_steps(self, steps):
        """Run all commands in one shell; return pairs of an exit status and output."""
        shell = subprocess.Popen(
            ['sh'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=os.path.join(self.folder, 'walk'),
            env=environment(PYTHONDONTWRITEBYTECODE='1', PYTHONWARNINGS='ignore'))
        script = ''.join('%s\necho "=== $?"\n' % command for command, _ in steps)
        output = shell.communicate(script.encode('utf-8'))[0].decode('utf-8')
        parts = re.split('=== ([0-9]+)\n', output)
        return list(zip(parts[1::2], parts[::2]))

    def assert_printed(self, expected, found, command):
        """Each part of `expected` between dots is there, in that order."""
        rest = self.normal(found)
        for part in re.split(r'\.\.\.\n?', self.normal(expected)):
            self.assertTrue(part in rest, '%s\nprints\n%s\nand not\n%s' % (command, found, part))
            rest = rest[rest.index(part) + len(part):]
        if '...' not in expected:
            self.assertEqual(self.normal(expected), self.normal(found), command)

    def walk(self, text, least):
        steps = self.steps(text)
        self.assertTrue(len(steps) >= least, len(steps))
        results = self.run_steps(steps)
        self.assertEqual(len(steps), len(results), results[-1:])
        for (command, expected), (status, found) in zip(steps, results):
            self.assertEqual('0', status, '%s\nprints\n%s' % (command, found))
            self.assert_printed(expected, found, command)

    def test_every_step_does_what_it_shows(self):
        # The last chapter needs a package that may be missing; it builds on all others.
        chapters = page().split('### One that encrypts')
        self.assertEqual(2, len(chapters))
        self.walk(chapters[0] if missing else page(), least=28)


class PageTest(unittest.TestCase):

    def test_it_has_no_block_that_is_not_run(self):
        text = page()
        blocks = re.findall('^```[a-z]+$', text, re.M)
        self.assertEqual(len(blocks), len(BLOCK.findall(text)))

    def test_it_names_every_file_of_the_kit(self):
        folder = os.path.dirname(tests.kit.__file__)
        named = set(re.findall('^[|] `([a-z0-9]+[.]py)`', page(), re.M))
        helpers = set(['__init__.py', 'base.py', 'contract.py', 'streams.py', 'suite.py',
                       'together.py'])
        self.assertEqual(
            set(name for name in os.listdir(folder) if name.endswith('.py')) - helpers, named)

    def test_the_members_that_it_names_exist(self):
        section = re.search('^## What a suite supplies$(.*?)^## ', page(), re.M | re.S).group(1)
        named = re.findall(r'^[|] `(\w+)', section, re.M)
        self.assertEqual(8, len(named))
        for name in named:
            self.assertTrue(hasattr(StorageModuleTestBase, name), name)

    def test_the_files_that_it_names_exist(self):
        for name in re.findall('`([a-z]+/[a-z_./]+)`', page()):
            self.assertTrue(os.path.exists(os.path.join(PROJECT, name)), name)
