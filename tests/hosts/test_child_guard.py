"""The keeper of the tests' servers: nothing is left behind, however the test ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile

from tests.hosts import processes
from tests.support import PROJECT, environment, unittest, wait_until

KEEPER = os.path.join(PROJECT, 'tests', 'hosts', 'child_guard.py')
SLEEPER = [sys.executable, '-c', 'import time; time.sleep(600)']

# A test that starts a program, says so, and then goes on for long. Under nohup, and in a shell's
# background, it would ignore some of its ends.
TEST = ('import signal, subprocess, sys, time\n'
        'for number in (signal.SIGHUP, signal.SIGTERM):\n'
        '    signal.signal(number, signal.SIG_DFL)\n'
        'keeper = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, close_fds=True)\n'
        'time.sleep(600)\n')


@unittest.skipUnless(os.path.isdir('/proc/self/fd'), 'there is no /proc to tell of processes')
class KeeperTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='mezeo_fsstore-test-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        open(os.path.join(self.folder, 'file'), 'w').close()

    def start(self, *command):
        test = subprocess.Popen(
            [sys.executable, '-c', TEST, sys.executable, KEEPER, self.folder] + list(command),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        self.addCleanup(self.end, test)
        self.addCleanup(test.stderr.close)
        self.addCleanup(test.stdout.close)
        return test, int(test.stdout.readline())

    def end(self, test):
        if test.poll() is None:
            test.kill()
            test.wait()

    def test_the_program_and_the_folder_go_with_a_test_that_dies(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP):
            test, program = self.start(*SLEEPER)
            self.assertTrue(processes.is_running(program))
            test.send_signal(number)
            test.wait()
            wait_until(lambda: not processes.is_running(program))
            wait_until(lambda: not os.path.exists(self.folder))
            os.mkdir(self.folder)
        os.rmdir(self.folder)

    def test_the_folder_goes_also_where_the_program_has_ended_by_itself(self):
        test, program = self.start(sys.executable, '-c', '')
        wait_until(lambda: not processes.is_running(program))
        self.assertTrue(os.path.exists(self.folder))
        test.kill()
        test.wait()
        wait_until(lambda: not os.path.exists(self.folder))
