"""What the suites share: a child gets what a stranger has, and nothing that only this shell has."""

import os
import re

from tests.support import PROJECT, environment, mock, unittest

CALLERS = {'PATH': '/bin', 'HOME': '/home/reader', 'TMPDIR': '/var/tmp', 'PYTHONUNBUFFERED': '1',
           'PYTHONPATH': '/lib', 'LANG': 'C.UTF-8', 'LC_ALL': 'C', 'DEBIAN_FRONTEND': 'none'}


class EnvironmentTest(unittest.TestCase):

    def test_a_child_gets_path_home_tmpdir_and_what_is_asked_for_and_nothing_else(self):
        with mock.patch.dict(os.environ, CALLERS, clear=True):
            self.assertEqual({'PATH': '/bin', 'HOME': '/home/reader', 'TMPDIR': '/var/tmp'},
                             environment())
            self.assertEqual({'PATH': '/bin', 'HOME': '/', 'TMPDIR': '/var/tmp',
                              'PYTHONPATH': '/a:/b', 'LANG': 'C'},
                             environment('/a', '/b', HOME='/', LANG='C'))
        with mock.patch.dict(os.environ, {'PATH': '/bin'}, clear=True):
            self.assertEqual({'PATH': '/bin'}, environment())

    def test_no_other_file_hands_the_environment_of_the_caller_on(self):
        for folder, _, names in os.walk(os.path.join(PROJECT, 'tests')):
            for name in names:
                if name.endswith('.py') and name not in ('support.py', 'test_support.py'):
                    with open(os.path.join(folder, name), 'rb') as source:
                        text = source.read().decode('utf-8')
                    patched = text.replace('mock.patch.dict(os.environ', '')
                    self.assertFalse('os.environ' in patched, name)
                    # Whatever starts Python or a shell must say what it gets.
                    for call in re.findall(r'subprocess[.]\w+[(](.*?)\n\n', text + '\n\n', re.S):
                        if re.search(r"sys[.]executable|'sh'|'unshare'", call):
                            self.assertTrue('env=' in call, '%s: %s' % (name, call))
