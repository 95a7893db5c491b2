"""What the tests of `check` share: its report, in a process of its own or in this one."""

import os
import re
import sys

from mezeo_fsstore.admin import command_line
from mezeo_fsstore.admin.mounts import Mount
from tests.support import CommandTestCase, mock


class CheckTestCase(CommandTestCase):

    #: Seconds for which a reader in another process looks.
    duration = 0.03

    def failing(self, root):
        """Return the report of a check that must fail."""
        status, output, errors = self.run_command('check', root)
        self.assertEqual((1, b''), (status, errors), output)
        report = output.decode('utf-8')
        self.assertTrue(re.search('^FAILED: .*: see above\n\\Z', report, re.M), report)
        return report

    def examined(self, **registered):
        """Return the report of a check in this process, where faults can be made."""
        root = self.registration(**registered) if registered else self.root
        # Quicker than it is for an administrator.
        with mock.patch('mezeo_fsstore.admin.check_readers._DURATION', self.duration):
            with mock.patch('mezeo_fsstore.admin.check_life._LARGE', 2 ** 20):
                with mock.patch.object(sys, 'stdout') as stdout:
                    self.status = command_line.main(['check', root])
        self.assertEqual([], self.left_over())
        return ''.join(call[0][0] for call in stdout.write.call_args_list)

    def line(self, name, report):
        found = re.search('^(ok|warn|FAIL) +%s .*$' % re.escape(name), report, re.M)
        self.assertTrue(found, '%s is not in\n%s' % (name, report))
        return found.group(0)

    def verdict(self, name, report):
        return self.line(name, report).split()[0]

    def assert_verdict(self, verdict, name, words, report):
        """The line of the step has this verdict and these words."""
        line = self.line(name, report)
        self.assertTrue(line.startswith(verdict) and words in line, report)

    def left_over(self):
        """Return the names in the root but those of the marker and of what the test made itself."""
        return [name for name in os.listdir(self.root) if name.startswith('.mezeo_fsstore.')]


def on(kind, *options):
    """Return a patch that has the root on a filesystem of this kind, for a `with`."""
    return mock.patch('mezeo_fsstore.admin.checking.mount_of',
                      lambda path: Mount('/', kind, frozenset(options)))


def failing(number):
    """Return a function that raises the system's error `number`, whatever its arguments."""
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))
    return fail
