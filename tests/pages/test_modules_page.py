"""docs/modules.md: each step of the walk does what it shows."""

import os
import re
import shutil
import sys
import tempfile

import tests.kit
from tests import StorageModuleTestBase
from tests.pages.page_steps import BLOCK, Walk, read_page
from tests.sdk.test_encrypted import missing
from tests.support import PROJECT, unittest


def page():
    return read_page('modules.md')


class WalkTest(Walk, unittest.TestCase):

    if sys.version_info < (3, 9):
        # What the last `cryptography` for them says of their age.
        variables = dict(Walk.variables, PYTHONWARNINGS='ignore')

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='walk-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(os.path.join(self.folder, 'walk'))

    def local(self, text):
        return text.replace('/path/to/mezeo_fsstore', PROJECT)

    def normal(self, text):
        for pattern, replacement in ((r'\d+\.\d+s', 'N s'), (r'-py[0-9.]+\.egg', '.egg'),
                                     (r'^[0-9a-f]{64}$', 'KEY'), (r'Ran \d+ tests', 'Ran N')):
            text = re.sub(pattern, replacement, text, flags=re.M)
        return text

    def test_every_step_does_what_it_shows(self):
        # The last chapter needs a package that may be missing; it builds on all others.
        chapters = page().split('### One that encrypts')
        self.assertEqual(2, len(chapters))
        self.walk(chapters[0] if missing else page(), 29, os.path.join(self.folder, 'walk'))


class PageTest(unittest.TestCase):

    def test_it_has_no_block_that_is_not_run(self):
        text = page()
        blocks = re.findall('^```[a-z]+$', text, re.M)
        self.assertEqual(len(blocks), len(BLOCK.findall(text)))

    def test_the_suite_that_it_shows_runs_all_checks_of_the_kit(self):
        checks = [name for name in dir(StorageModuleTestBase) if name.startswith('test')]
        self.assertEqual(['Ran %d tests' % len(checks)], re.findall('Ran [0-9]+ tests', page()))

    def test_it_names_every_file_of_the_kit(self):
        folder = os.path.dirname(tests.kit.__file__)
        named = set(re.findall('^[|] `([a-z0-9]+[.]py)`', page(), re.M))
        helpers = set(['__init__.py', 'base.py', 'contract.py', 'memory.py', 'miniature.py',
                       'streams.py', 'suite.py', 'together.py'])
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
