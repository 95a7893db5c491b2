"""The module in Apache's daemon processes, from its egg: what clients over HTTP are promised."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tests import content
from tests.faults.test_killed import is_whole
from tests.hosts import apache, processes
from tests.hosts.apache_node import Node
from tests.hosts.http_client import ENDS, Client, Refused, read_all, vanish
from tests.hosts.load import Crowd
from tests.support import PROJECT, SOAK, closed_to_others, environment, unittest, wait_until

SEED = 20120605
CUSTOMERS = 6
# So often each of them acts in a round.
ACTS = 40 if SOAK else 10
WARM_ROUNDS = 20 if SOAK else 2
CALM_ROUNDS = 60 if SOAK else 3
ROUGH_ROUNDS = 5 if SOAK else 1

# What a process may grow by in all calm rounds, in KiB. In a few rounds it is still warming up.
LIMIT = 6144 if SOAK else 32768


class ApacheTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        # Not of the class: the nose of Python 2 would set it up all the same.
        if apache.missing():
            raise unittest.SkipTest(apache.missing())
        folder = os.path.realpath(tempfile.mkdtemp(prefix='mezeo_fsstore-test-'))
        try:
            barrier = closed_to_others(folder)
            if barrier and os.geteuid() == 0:
                raise unittest.SkipTest('another user can not reach %s' % barrier)
            cls.node = Node(folder, apache.python(), apache.owner())
            cls.server = apache.Apache(cls.node)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        try:
            for process in cls.server.wait_for_daemons():
                processes.descriptors(process)
        except EnvironmentError as error:
            cls.server.stop()
            raise unittest.SkipTest('the daemons may not be looked into: %s' % error)
        cls.main, cls.sub = (Client(cls.server.port, prefix) for prefix in ('/main', '/sub'))

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def tearDown(self):
        left = set(self.node.path(place, path) for place in self.node.roots
                   for path in self.node.objects(place)) | self.temporaries()
        # Where a test has failed, the next must not.
        for path in left:
            remove(path)
        self.assertEqual(set(), left)

    def test_the_python_of_the_server_is_seen_as_the_page_says(self):
        with open(os.path.join(PROJECT, 'docs', 'deploy.md'), 'rb') as source:
            page = source.read().decode('utf-8')
        with open(os.path.join(self.server.folder, 'log'), 'rb') as source:
            log = source.read().decode('utf-8', 'replace')
        shown = re.search('`(mod_wsgi/[0-9.]+ Python/)[0-9.]+( configured)`', page).group(1, 2)
        logged = re.sub('[0-9.]+', '[0-9.]+', shown[0]) + apache.embedded() + '[0-9.]*' + shown[1]
        self.assertTrue(re.search(logged, log), log)
        command = re.search('`(ldd [^`]*)`', page).group(1)
        shown = subprocess.check_output(['sh', '-c', command], env=environment())
        self.assertTrue('libpython%s.so' % apache.embedded() in shown.decode('utf-8'), shown)

    def test_each_interpreter_of_each_process_makes_each_module_once_from_the_egg(self):
        told = set()

        def ask():
            for client in (self.main, self.sub):
                about = client.about()
                self.assertEqual((['A', 'B'], 2), (about['modules'], about['instances']))
                for origin in about['origins']:
                    self.assertTrue(origin.startswith(self.node.egg + '/'), origin)
                told.add((about['process'], about['interpreter']))
            return len(told) == 2 * apache.PROCESSES
        wait_until(ask)
        self.assertEqual(set((process, interpreter) for process in self.server.daemons()
                             for interpreter in ('', 'sub')), told)

    def test_an_object_lives_its_whole_life(self):
        for one, other in ((self.main, self.sub), (self.sub, self.main)):
            for size in (0, 1, 3000000):
                self.live(one, other, content(size))

    def live(self, one, other, data):
        """Put an object through everything, in two interpreters."""
        size = len(data)
        stored = one.upload('A', data)
        self.assertEqual(size, other.size(stored, 'A'))
        self.assertTrue(data == other.download(stored, 'A'))
        for start, end in ((0, size), (size // 2, size), (size // 3, size // 3 + 1)):
            if start < end <= size:
                self.assertTrue(data[start:end] == other.download(stored, 'A', start, end))
        self.refused(416, other.download, stored, 'A', size, size + 1)
        self.assertFalse(one.available(stored, 'B'))
        stored, copied = one.replicate(stored, 'A', 'B')
        self.assertTrue(copied)
        self.assertEqual([stored, False], other.replicate(stored, 'A', 'B'))
        copy = other.copy(stored, 'B', 'A')
        one.delete(stored)
        for place in 'AB':
            self.assertFalse(other.available(stored, place))
            self.refused(404, other.download, stored, place)
            self.refused(404, other.download, stored, place, 0, 1)
        self.assertTrue(data == one.download(copy, 'A'))
        other.delete(copy)

    def refused(self, status, call, *arguments):
        with self.assertRaises(Refused) as caught:
            call(*arguments)
        self.assertEqual(status, caught.exception.status)

    def test_statistics_are_those_of_the_volume(self):
        volume = os.statvfs(self.node.roots['A'])
        for client in (self.main, self.sub):
            told = client.statistics('A')
            self.assertEqual(volume.f_blocks * volume.f_frsize, told['capacity']['total'])
            self.assertEqual(['capacity', 'inodes'], sorted(told))

    def test_an_upload_that_breaks_off_is_never_seen(self):
        data = content(1500000)
        for client in (self.main, self.sub):
            for chunked in (False, True):
                for part in (0, 1000, 1200000):
                    for end in ENDS:
                        connection = self.hold_upload(client, data, part, chunked)
                        said = vanish(connection, end)
                        self.assert_soon(set(), self.temporaries)
                        self.assertEqual(set(), self.node.objects('A'))
                        self.assertEqual(end == 'half-close', b' 500 ' in said, said)

    def test_an_upload_through_a_process_of_apache_that_dies_is_never_seen(self):
        for chunked in (False, True):
            with self.hold_upload(self.main, content(1500000), 1200000, chunked):
                for process in self.server.fronts():
                    os.kill(process, signal.SIGKILL)
                self.assert_soon(set(), self.temporaries)
                self.assertEqual(set(), self.node.objects('A'))
            wait_until(self.server.fronts)
            self.main.delete(self.main.upload('A', b'content'))

    def test_a_daemon_process_that_is_told_to_restart_by_itself_finishes_its_upload(self):
        data = content(1500000)
        with self.hold_upload(self.main, data, 1200000, False) as connection:
            old = self.server.daemons()
            for process in old:
                os.kill(process, signal.SIGUSR1)
            wait_until(lambda: sum(map(processes.is_running, old)) == 1)
            connection.sendall(data[1200000:])
            stored = json.loads(read_all(connection).split(b'\r\n\r\n')[1].decode('ascii'))
        wait_until(lambda: not any(map(processes.is_running, old)))
        self.assertTrue(data == self.main.download(stored, 'A'))
        self.main.delete(stored)
        self.server.wait_for_daemons()

    def test_descriptors_and_memory_of_each_process_stay_flat(self):
        crowd = self.crowd('calm')
        for _ in range(WARM_ROUNDS):
            self.play(crowd.act)
        daemons, acts = self.server.daemons(), crowd.acts()
        descriptors = dict((process, wait_until(lambda: self.idle_descriptors(process)))
                           for process in daemons)
        before = dict((process, processes.memory(process)) for process in daemons)
        for _ in range(CALM_ROUNDS):
            self.play(crowd.act)
        self.assert_soon(set(), self.temporaries)
        self.assertEqual(daemons, self.server.daemons())
        for process in daemons:
            self.assert_soon(descriptors[process], lambda: self.idle_descriptors(process))
            grown = processes.memory(process) - before[process]
            self.report('%d KiB and %d descriptors, %d KiB more after %d requests to all'
                        % (before[process], len(descriptors[process]), grown,
                           crowd.acts() - acts))
            self.assertTrue(grown < LIMIT, 'grown by %d KiB, seed %d' % (grown, SEED))
        for place in self.node.roots:
            self.assertEqual(set(crowd.promised(place)), self.node.objects(place))
        crowd.check()
        crowd.leave()

    def test_what_was_acknowledged_outlives_kills_and_graceful_restarts(self):
        crowd = self.crowd('rough')
        for number in range(ROUGH_ROUNDS):
            for disturb in (self.kill_one, self.restart):
                with self.hold_upload(self.main, content(1500000), 1200000, False):
                    left, = self.temporaries()
                    self.play(crowd.act_while, lambda: disturb(left))
                self.assert_kept(crowd)
                self.assert_swept(left if disturb == self.kill_one else None)
        self.report('%d requests, %d of them unanswered' % (crowd.acts(), crowd.unanswered()))
        crowd.leave()

    def kill_one(self, path):
        """Kill the process that writes this file."""
        victim, = [process for process in self.server.daemons() if path in self.writing(process)]
        os.kill(victim, signal.SIGKILL)
        self.note_end_of([victim])

    def restart(self, path):
        old = self.server.daemons()
        self.server.restart()
        self.note_end_of(old)

    def note_end_of(self, victims):
        """Note what a process that has not ended has still to clear away."""
        wait_until(lambda: not any(processes.is_running(one) for one in victims))
        self.ended = time.time()
        living = self.server.wait_for_daemons()
        self.theirs = set().union(*[self.writing(process) for process in living])

    def assert_kept(self, crowd):
        """What was promised is there, what is gone is not, and the rest is whole at least."""
        crowd.check()
        for place in self.node.roots:
            found, promised = self.node.objects(place), set(crowd.promised(place))
            self.assertEqual(set(), promised - found, 'lost, seed %d' % SEED)
            self.assertEqual(set(), crowd.gone(place) & found, 'back, seed %d' % SEED)
            # Nobody knows of these: the answer was lost.
            for path in found - promised:
                with open(self.node.path(place, path), 'rb') as stream:
                    self.assertTrue(is_whole(stream.read()), 'partial: %s, seed %d' % (path, SEED))
                os.unlink(self.node.path(place, path))

    def assert_swept(self, killed):
        """`sweep` finds what those have left who have ended, `killed` too, and nobody else."""
        self.assert_soon(set(), lambda: set(
            path for path in self.temporaries()
            if path in self.theirs or time_of(path) > self.ended))
        left, swept = self.temporaries(), set()
        if killed:
            self.assertTrue(killed in left, left)
        for place in self.node.roots:
            lines = self.node.command('sweep', self.node.roots[place], '--older-than', '0s',
                                      '--delete').splitlines()
            swept.update(self.node.path(place, json.loads(line.split('\t')[1]))
                         for line in lines[:-1])
        self.assertEqual(left, swept)
        self.assertEqual(set(), self.temporaries())

    def crowd(self, name):
        return Crowd((self.main, self.sub), CUSTOMERS, '%d %s' % (SEED, name))

    def play(self, act, *arguments):
        try:
            act(ACTS, *arguments)
        except BaseException:
            sys.stderr.write('seed %d\n%s' % (SEED, self.server.log()))
            raise

    def hold_upload(self, client, data, part, chunked):
        """Return the connection of an upload of which the server has begun to write `part`."""
        connection = client.begin_upload('A', data, part, chunked)
        self.addCleanup(connection.close)
        wait_until(self.temporaries)
        return connection

    def temporaries(self):
        return set(self.node.path(place, path) for place in self.node.roots
                   for path in self.node.temporaries(place))

    def writing(self, process):
        """Return the temporaries that a process has open."""
        return set(path for path in processes.descriptors(process)
                   if os.path.basename(path).startswith('.'))

    def idle_descriptors(self, process):
        """Return what the descriptors of a daemon lead to; None while it answers a request."""
        found = processes.descriptors(process)
        # The one is where requests come from.
        if len([path for path in found if path.startswith('socket:')]) > 1:
            return None
        # It makes one of these whenever it is its turn to wait for a request.
        return [path for path in found if 'eventpoll' not in path]

    def assert_soon(self, expected, call):
        """Wait for what others do: it is asked until it is as expected, or too late."""
        try:
            wait_until(lambda: call() == expected)
        except AssertionError:
            self.assertEqual(expected, call())

    def report(self, line):
        if SOAK:
            sys.stderr.write('%s\n' % line)


def remove(path):
    """Remove a file, unless whoever made it has just done so."""
    try:
        os.unlink(path)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise


def time_of(path):
    """Return when a file was written last, or 0 where it is gone."""
    try:
        return os.path.getmtime(path)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
        return 0
