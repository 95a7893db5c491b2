"""Writers that are killed: what they acknowledged is whole, and nothing of the rest is visible."""

import hashlib
import os
import random
import signal
import subprocess
import sys

from mezeo_fsstore.admin import inventory
from tests import Stream
from tests.faults.system_calls import Recording, Seam
from tests.support import PROJECT, SOAK, CommandTestCase, entries_of, environment, path_in

SEED = 20120602
ROUNDS = 200 if SOAK else 10

# Stores, replaces and deletes for ever; says what it is about to do, and what is done.
WRITER = '''
import os, random, sys
from mezeo_fsstore import FilesystemStorage
from tests import Stream
from tests.faults.test_killed import signed
storage = FilesystemStorage(root=sys.argv[1], durable=sys.argv[2])
choose = random.Random(sys.argv[3])
made = []

def say(*words):
    os.write(1, ("\\t".join(words) + "\\n").encode("ascii"))

while True:
    content = signed(choose)
    if len(made) < 5 or choose.random() < 0.4:
        module_data = storage.new_data(None)
        made.append(module_data)
    else:
        module_data = choose.choice(made)
    if choose.random() < 0.2 and len(made) > 5:
        made.remove(module_data)
        say("deleting", module_data)
        storage.delete(None, module_data)
        say("deleted", module_data)
    else:
        say("assigning", module_data)
        storage.assign(None, module_data, Stream(content, most=50000))
        say("assigned", module_data)
'''


def signed(choose):
    """Return content of some size that a reader can tell from any part or mixture of it."""
    size = choose.choice([0, 1, 4096, 300000, 1200000])
    body = bytes(bytearray([choose.randrange(256)])) * size
    body += ('%d' % choose.getrandbits(64)).encode('ascii')
    return hashlib.sha256(body).hexdigest().encode('ascii') + body


def is_whole(content):
    return hashlib.sha256(content[64:]).hexdigest().encode('ascii') == content[:64]


class KillingSeam(Seam):
    """The process kills itself before its call number `last`."""

    def __init__(self, last):
        super(KillingSeam, self).__init__()
        self._left = last

    def interpose(self, name, original, arguments):
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        return original(*arguments)


class KilledTest(CommandTestCase):

    def assert_nothing_partial(self):
        """All that can be listed is whole, or a temporary; return the paths of the former."""
        objects, temporaries = [], 0
        for entry in entries_of(self.root):
            self.assertNotEqual(inventory.FOREIGN, entry.kind, entry.path)
            if entry.kind == inventory.OBJECT:
                objects.append(entry.path)
                self.assertTrue(is_whole(self.get('{"path": "%s"}' % entry.path)), entry.path)
            else:
                temporaries += 1
        self.swept(temporaries)
        return objects

    def swept(self, number):
        """`sweep` finds exactly so many temporaries, and removes them."""
        report = self.succeeds('sweep', self.root, '--older-than', '0s', '--delete')
        self.assertTrue(report.splitlines()[-1].startswith('%d temporar' % number), report)
        self.assertEqual([], self.temporaries())

    def test_killed_before_each_call_of_a_write(self):
        # As that of the children it looks at the marker.
        self.storage = self.make()
        module_data = '{"path": "abc/%s"}' % ('1' * 32)
        times = []
        for _ in range(2):
            # The second time the shard is there, and fewer calls are to be made.
            with Recording(failures=True) as seam:
                self.storage.assign(None, module_data, Stream(signed(random.Random(1)), 50000))
            times.append(len(seam.calls))
        program = ('import random, sys\n'
                   'from mezeo_fsstore import FilesystemStorage\n'
                   'from tests import Stream\n'
                   'from tests.faults.test_killed import KillingSeam, signed\n'
                   'storage = FilesystemStorage(root=%r)\n'
                   'with KillingSeam(int(sys.argv[2])):\n'
                   '    source = Stream(signed(random.Random(1)), 50000)\n'
                   '    storage.assign(None, sys.argv[1], source)\n' % self.root)
        for last in range(times[0]):
            fresh = '{"path": "%03x/%s"}' % (last, '2' * 32)
            for target, calls in zip((fresh, module_data), times):
                process = subprocess.Popen([sys.executable, '-c', program, target, str(last)],
                                           env=environment(PROJECT))
                self.assertEqual(-signal.SIGKILL if last < calls else 0, process.wait())
                self.assertTrue(path_in(module_data) in self.assert_nothing_partial())

    def test_killed_at_random_moments(self):
        choose = random.Random(SEED)
        # What was said of each object: whether it is there, and what was begun since.
        acknowledged, begun = {}, {}
        for number in range(ROUNDS):
            writers = [subprocess.Popen(
                [sys.executable, '-c', WRITER, self.root, choose.choice(['true', 'false']),
                 '%d %d %d' % (SEED, number, writer)],
                stdout=subprocess.PIPE, env=environment(PROJECT)) for writer in range(2)]
            for writer in writers:
                for _ in range(choose.randrange(40)):
                    self.hear(writer.stdout.readline(), acknowledged, begun)
            for writer in writers:
                writer.kill()
                for line in writer.stdout:
                    self.hear(line, acknowledged, begun)
                writer.stdout.close()
                self.assertEqual(-signal.SIGKILL, writer.wait())
            present = self.assert_nothing_partial()
            missing = [path for path in acknowledged if acknowledged[path]
                       and path not in present and begun.get(path) != 'deleting']
            back = [path for path in acknowledged if not acknowledged[path]
                    and path in present and begun.get(path) != 'assigning']
            self.assertEqual(([], []), (missing, back), 'seed %d, round %d' % (SEED, number))
            # So that a long run does not read ever more.
            for path in present:
                self.storage.delete(None, '{"path": "%s"}' % path)
            acknowledged.clear()
            begun.clear()

    def hear(self, line, acknowledged, begun):
        """Note what a writer says; its last word may be cut off."""
        if not line.endswith(b'\n'):
            return
        word, module_data = line.decode('ascii').rstrip('\n').split('\t')
        path = path_in(module_data)
        if word in ('assigning', 'deleting'):
            begun[path] = word
        else:
            del begun[path]
            acknowledged[path] = word == 'assigned'
