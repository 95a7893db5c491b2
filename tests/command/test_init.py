"""`init` where the filesystem has no hard links."""

import errno
import json
import os
import re
import subprocess

from tests.support import CommandTestCase, run_python

PROGRAM = '''
import os, sys
def link(source, target):
    raise OSError(%d, os.strerror(%d))
os.link = link
from mezeo_fsstore.admin.command_line import main
sys.exit(main(sys.argv[1:]))
'''


class LinklessTest(CommandTestCase):

    def setUp(self):
        super(LinklessTest, self).setUp()
        self.unmark()

    def init_without_links(self, number):
        """Return the one line with which `init` fails where each link fails with this errno."""
        status, output, errors = run_python('-c', PROGRAM % (number, number), 'init', self.root)
        self.assertEqual((1, b'', 1), (status, output, errors.count(b'\n')))
        self.assertEqual([], os.listdir(self.root))
        return errors.decode('ascii')

    def test_it_says_how_to_make_the_marker_by_hand_and_that_works(self):
        self.root = os.path.join(self.folder, "it's $HOME")
        os.mkdir(self.root)
        marker = os.path.join(self.root, '.mezeo_fsstore')
        for number in (errno.ENOSYS, errno.ERANGE, errno.EIO, errno.EPERM, errno.EOPNOTSUPP,
                       errno.EXDEV, errno.EMLINK):
            line = self.init_without_links(number)
            self.assertTrue(os.strerror(number) in line, line)
            command = re.search(r'by hand: (.*\))', line).group(1)
            self.assertEqual(b'', subprocess.check_output(command, shell=True))
            self.assertEqual(0o100444, os.stat(marker).st_mode)
            with open(marker) as made:
                root_id = made.read()
            registration = json.loads(self.succeeds('init', self.root))
            self.assertEqual(root_id, registration['args']['root_id'] + '\n')
            os.unlink(marker)

    def test_what_has_another_cure_keeps_that(self):
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            line = self.init_without_links(number)
            self.assertTrue(os.strerror(number) in line and 'by hand' not in line, line)
