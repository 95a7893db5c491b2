"""A CephFS that nodes share: what one does the others see, and nothing acknowledged is lost.

The cluster is real, of three OSDs and two MDS, and so are its mounts through FUSE; all of it lives
in namespaces, apart from the machine's own. Beside each check stands a module, or a system, that it
must find out.
"""

import errno
import os
import re
import shutil
import tempfile
import threading

from mezeo_fsstore import DamagedObject, FilesystemStorage, disk
from mezeo_fsstore.admin import inventory
from mezeo_fsstore.root import Root
from tests import Stream, content
from tests.hosts import ceph
from tests.hosts.shared_volume import STEPS, Load, SharedVolume, VolumeCase, digest, get
from tests.kit.streams import WatchedStream
from tests.pages.page_steps import Walk, read_page
from tests.pages.test_deploy_page import section
from tests.support import mark, mock, path_in, wait_until

MEBIBYTE = 2 ** 20

# Seconds until what is to happen is taken for something that never will.
PATIENCE = 120

# What a node answers that the cluster has shut out.
SHUT_OUT = (errno.ESHUTDOWN, errno.ENOTCONN)


class InPlace(FilesystemStorage):
    """It writes where the object is, or is to be."""

    def __init__(self, root, **settings):
        super(InPlace, self).__init__(root=root, **settings)
        self.root = root

    def assign(self, context, module_data, stream):
        path = os.path.join(self.root, path_in(module_data))
        try:
            os.mkdir(os.path.dirname(path))
        except EnvironmentError as error:
            if error.errno != errno.EEXIST:
                raise
        with open(path, 'wb', 0) as target:
            for piece in iter(lambda: stream.read(20000), b''):
                target.write(piece)
            os.fsync(target.fileno())


class Remembering(FilesystemStorage):
    """It goes on to say what it said first."""

    def __init__(self, **settings):
        super(Remembering, self).__init__(**settings)
        self.said = {}

    def available(self, context, module_data):
        said = super(Remembering, self).available(context, module_data)
        return self.said.setdefault(('available', module_data), said)

    def get_size(self, context, module_data):
        said = super(Remembering, self).get_size(context, module_data)
        return self.said.setdefault(('get_size', module_data), said)


class DeniesByFailing(FilesystemStorage):
    """It takes any error for a missing object."""

    def available(self, context, module_data):
        try:
            with self.get_read_stream(context, module_data) as stream:
                stream.read(1)
        except EnvironmentError:
            return False
        return True


def leave(path, fd=None):
    """Stands for `disk.discard`, and forgets to remove the file."""
    if fd is not None:
        disk.release(fd)


class Call(threading.Thread):
    """A call that may wait for long, in a thread of its own."""

    def __init__(self, call, *arguments):
        super(Call, self).__init__()
        self.daemon = True
        self.result = self.error = None
        self._call = lambda: call(*arguments)
        self.start()

    def run(self):
        try:
            self.result = self._call()
        except EnvironmentError as error:
            self.error = error

    def denies(self):
        """Return whether it has said that an object is missing."""
        return self.result is False or getattr(self.error, 'errno', None) == errno.ENOENT

    def wait(self):
        """Return this call, once it has ended."""
        self.join(PATIENCE)
        if self.is_alive():
            raise AssertionError('not within %d seconds: an answer' % PATIENCE)
        return self

    def outcome(self):
        """Return the result, or raise the error, once it is there."""
        if self.wait().error is not None:
            raise self.error
        return self.result


class CephTest(Walk, SharedVolume, VolumeCase):

    system = ceph

    def assert_finds_out(self, module, check, words):
        """The check fails, with these words, where the modules are of this class."""
        self.module = module
        self.make_root('%s-%s-%s' % (self._testMethodName, check.__name__, module.__name__))
        self.assert_fails(check, words)

    def assert_fails(self, check, words):
        with self.assertRaises(AssertionError) as failure:
            check()
        self.assertTrue(words in str(failure.exception), failure.exception)

    def mount(self, node, *options):
        """Mount a node for this test; return the test's root there."""
        root = os.path.join(self.cluster.mount(node, *options), self.name)
        self.addCleanup(self.cluster.unmount, node)
        return root

    def remount(self, node):
        self.cluster.unmount(node)
        self.cluster.mount(node)

    def test_the_checks_find_out_a_module_that_writes_in_place(self):
        for check, words in (
                (self.test_the_other_node_sees_nothing_of_an_upload_until_its_end, 'seen in part'),
                (self.test_a_reader_keeps_its_content_while_the_other_node_replaces_and_deletes,
                 'changed under a reader'),
                (self.test_of_two_nodes_that_write_one_object_one_wins_whole, 'a mixture of'),
                (self.check_a_load, 'in part')):
            self.assert_finds_out(InPlace, check, words)

    def test_the_checks_find_out_a_module_that_remembers(self):
        for check, words in (
                (self.test_what_one_node_writes_the_other_has_whole_at_once, 'not seen at once'),
                (self.test_what_one_node_replaces_or_deletes_the_other_sees_at_once,
                 'not as replaced')):
            self.assert_finds_out(Remembering, check, words)

    def check_a_load(self):
        load = Load(self, [self.modules(), self.modules()[::-1]])
        self.watch(lambda: load.is_below(2 * STEPS))
        self.assert_same_everywhere(self.acknowledged(load))

    def test_nothing_is_lost_while_an_osd_and_then_the_active_mds_die_under_load(self):
        load = Load(self, [self.modules(), self.modules()[::-1]])
        self.addCleanup(self.cluster.revive)
        self.watch(lambda: load.is_below(STEPS // 2))
        self.cluster.kill('osd.0')
        self.watch(lambda: load.is_below(STEPS))
        active = self.cluster.active_mds()
        self.cluster.kill(active)
        self.assertTrue(load.is_below(2 * STEPS), 'the load was over before the MDS died')
        self.watch(lambda: load.is_below(2 * STEPS))
        self.assertNotEqual(active, self.cluster.active_mds())
        expected = self.acknowledged(load)
        self.assertTrue(len(expected) > STEPS // 4, len(expected))
        self.cluster.revive()
        self.assert_same_everywhere(expected)
        # What the OSD has missed it has by now.
        self.cluster.kill('osd.1')
        self.assert_same_everywhere(expected)

    def test_below_min_size_calls_wait_or_raise_and_none_says_that_an_object_is_missing(self):
        stored, other = [self.first.put(None, Stream(content(400000))) for _ in range(2)]
        # A node whose reads wait for two seconds and no longer: the clock of this test.
        impatient = self.mount('impatient', 'ceph.rados_osd_op_timeout=2')
        clock = FilesystemStorage(root=impatient).get_read_stream(None, stored)
        self.addCleanup(clock.close)
        self.addCleanup(self.cluster.revive)
        self.cluster.kill('osd.0', 'osd.1')
        self.wait_until_no_group_is_active('')
        denying = DeniesByFailing(root=impatient)
        self.assert_fails(lambda: self.assert_none_denies([Call(
            denying.available, None, stored).wait()]), 'said to be missing')
        calls = [Call(call, None, stored) for call in (
            self.first.available, self.second.available, self.second.get_size,
            lambda context, module_data: digest(get(self.second, module_data)))]
        calls.append(Call(self.first.assign, None, stored, Stream(b'replaced')))
        calls.append(Call(self.second.delete, None, other))
        self.assertTrue(self.error_of(clock.read) in (errno.EIO, errno.ETIMEDOUT))
        self.assert_none_denies(calls)
        self.cluster.revive()
        for call in calls:
            call.outcome()
        self.assert_none_denies(calls)
        self.assert_same_everywhere({stored: digest(b'replaced')})

    def assert_none_denies(self, calls):
        for call in calls:
            self.assertFalse(call.denies(), 'said to be missing')

    def wait_until_no_group_is_active(self, pool):
        wait_until(lambda: not any('active' in group['state'].split('+')
                                   for group in self.cluster.groups(pool)),
                   'the OSDs that are left stop to serve', PATIENCE)

    def test_an_evicted_node_raises_until_it_is_mounted_anew(self):
        root = self.mount('evicted')
        storage, denying = FilesystemStorage(root=root), DeniesByFailing(root=root)
        stored = storage.put(None, Stream(b'content'))
        self.cluster.evict('evicted')
        self.assert_raises_shut_out(storage, stored)
        self.assert_fails(lambda: self.assert_raises_shut_out(denying, stored),
                          'nothing was raised')
        with self.assertRaises(RuntimeError) as failure:
            self.run_command('df', self.in_machine('evicted'))
        self.assertTrue('mount it again' in str(failure.exception), failure.exception)
        self.remount('evicted')
        self.assertTrue(storage.available(None, stored))
        self.assertEqual(b'content', get(storage, stored))

    def assert_raises_shut_out(self, storage, stored):
        for call, argument in ((storage.available, stored), (storage.get_size, stored),
                               (storage.available, storage.new_data(None)),
                               (storage.get_read_stream, stored), (storage.delete, stored),
                               (storage.put, Stream(b'never stored'))):
            self.assertTrue(self.error_of(call, None, argument) in SHUT_OUT, call)

    def test_a_node_that_dies_in_mid_upload_is_evicted_and_leaves_no_more_than_a_temporary(self):
        dying = FilesystemStorage(root=self.mount('dying'))
        module_data = dying.new_data(None)

        def die(position):
            if position == 200000:
                self.cluster.kill_node('dying')

        upload = WatchedStream(content(400000), 100000, die)
        self.assertEqual(errno.ENOTCONN, self.error_of(dying.assign, None, module_data, upload))
        look = Call(self.first.available, None, module_data)
        other = Call(self.second.put, None, Stream(b'other'))
        self.cluster.evict('dying')
        self.assertEqual(False, look.outcome())
        stored = other.outcome()
        left = [entry.kind for entry in inventory.entries(Root(self.nodes[0]))]
        self.assertEqual([inventory.OBJECT, inventory.TEMPORARY], sorted(left))
        self.run_command('sweep', self.in_machine('first'), '--older-than', '0s', '--delete')
        self.second.assign(None, module_data, Stream(b'content'))
        self.assert_same_everywhere({module_data: digest(b'content'), stored: digest(b'other')})

    def test_over_its_quota_a_write_raises_and_leaves_nothing(self):
        self.assert_limits(self.check_a_quota)

    def assert_limits(self, check):
        """The check succeeds, and finds out a module that writes in place, or does not clean up."""
        check()
        self.assert_finds_out(InPlace, check, 'what was there has gone')
        with mock.patch.object(disk, 'discard', leave):
            self.assert_finds_out(FilesystemStorage, check, 'left behind')

    def check_a_quota(self):
        self.check_a_limit(errno.EDQUOT, lambda: self.cluster.machine.run(
            'setfattr', '-n', 'ceph.quota.max_bytes', '-v', str(16 * MEBIBYTE),
            self.in_machine('first')))

    def check_a_limit(self, number, begin):
        """From `begin` on write until no more can be; return the only object that is left then.

        What is raised has the errno `number`; nothing is left of it, and all that was there is.
        """
        stored = [self.first.put(None, Stream(content(MEBIBYTE)))]
        begin()
        try:
            while len(stored) < 300:
                stored.append(self.first.put(None, Stream(content(MEBIBYTE))))
        except EnvironmentError as error:
            self.assertEqual(number, error.errno)
        self.assertTrue(len(stored) < 300, 'there is no limit')
        for storage in (self.first, self.second):
            self.assertEqual(number, self.error_of(storage.put, None, Stream(content(MEBIBYTE))))
            self.assertEqual(number, self.error_of(
                storage.assign, None, stored[0], Stream(content(4 * MEBIBYTE, first=7))))
            self.assertTrue(content(MEBIBYTE) == get(storage, stored[0]), 'what was there has gone')
        self.assert_same_everywhere(dict.fromkeys(stored, digest(content(MEBIBYTE))))
        while len(stored) > 1:
            self.second.delete(None, stored.pop())
        return stored[0]

    def test_a_full_cluster_raises_and_leaves_nothing_and_reads_and_deletes_work(self):
        self.addCleanup(self.make_room)
        self.assert_limits(self.check_a_full_cluster)

    def check_a_full_cluster(self):
        self.make_room()
        # Less than an empty OSD takes for itself.
        stored = self.check_a_limit(errno.ENOSPC, lambda: self.set_full(0.05))
        late = FilesystemStorage(root=os.path.join(self.cluster.mount('late'), self.name))
        self.assertTrue(content(MEBIBYTE) == Call(get, late, stored).outcome())
        self.cluster.unmount('late')

    def make_room(self):
        self.set_full(0.95)
        wait_until(self.takes_an_object, 'the cluster is full no longer', PATIENCE)

    def set_full(self, ratio):
        # The three have to be in this order at each moment.
        for _ in range(2):
            for name, less in (('nearfull', 0.02), ('backfillfull', 0.01), ('full', 0)):
                self.cluster.command('osd', 'set-%s-ratio' % name, '%.2f' % (ratio - less))

    def takes_an_object(self):
        try:
            self.first.delete(None, self.first.put(None, Stream(b'content')))
        except EnvironmentError:
            return False
        return True

    def test_what_was_acknowledged_survives_the_death_of_both_mds_and_of_all_nodes(self):
        self.check_a_crash()
        with mock.patch.object(disk, 'sync_directory'):
            self.assert_fails(self.check_a_crash, 'lost')
        self.assert_fails(lambda: self.check_a_crash(durable=False), 'lost')

    def check_a_crash(self, **settings):
        """Of changes that have returned all is there after a crash right behind the last."""
        old, deleted = [self.first.put(None, Stream(b'old')) for _ in range(2)]
        # The active MDS writes its journal when it is told to, and not by itself.
        self.cluster.command(
            'tell', self.cluster.active_mds(), 'config', 'set', 'mds_tick_interval', '600')
        writer = self.modules(**settings)[0]
        new = writer.put(None, Stream(b'new'))
        writer.assign(None, old, Stream(b'replaced'))
        writer.delete(None, deleted)
        self.crash()
        self.come_back()
        self.assertEqual([b'new', b'replaced', None],
                         [self.found(module_data) for module_data in (new, old, deleted)], 'lost')
        self.assertEqual(digest(b'new'), self.kept_digest(self.second, new))

    def found(self, module_data):
        return get(self.second, module_data) if self.second.available(None, module_data) else None

    def kept_digest(self, storage, module_data):
        with storage.get_read_stream(None, module_data) as stream:
            return disk.get_digest(stream.fileno(), module_data)

    def test_a_digest_is_there_after_a_remount_and_tells_of_damage(self):
        self.check_a_digest('sha256')
        self.assert_fails(lambda: self.check_a_digest('none'), 'no digest')

    def check_a_digest(self, kind):
        data = content(100000)
        stored = self.modules(digest=kind)[0].put(None, Stream(data))
        for node in ('first', 'second'):
            self.remount(node)
        for storage in (self.first, self.second):
            self.assertEqual(digest(data), self.kept_digest(storage, stored), 'no digest is left')
        for storage in self.modules(verify_reads=True):
            self.assertTrue(data == get(storage, stored))
        with open(os.path.join(self.nodes[0], path_in(stored)), 'r+b') as damaged:
            damaged.write(b'X')
        for storage in self.modules(verify_reads=True):
            self.assertRaises(DamagedObject, get, storage, stored)
        for node in ('first', 'second'):
            with self.assertRaises(RuntimeError) as failure:
                self.run_command('scrub', self.in_machine(node))
            self.assertTrue('damaged\t' + stored in str(failure.exception), failure.exception)

    def crash(self):
        self.cluster.kill('mds.a', 'mds.b', 'client.first', 'client.second')

    def come_back(self):
        # The new MDS need not wait for nodes that are dead.
        self.cluster.command('config', 'set', 'mds', 'mds_reconnect_timeout', '2')
        self.cluster.revive()
        self.cluster.command('config', 'rm', 'mds', 'mds_reconnect_timeout')
        for node in ('first', 'second'):
            self.remount(node)

    def test_nothing_is_acknowledged_before_its_content_is_stored(self):
        data, at_sync, sync = content(100000), threading.Event(), disk.sync

        def note_sync(fd, path):
            at_sync.set()
            sync(fd, path)

        self.refuse_content()
        with mock.patch.object(disk, 'sync'):
            lost = self.first.put(None, Stream(data))
        with mock.patch.object(disk, 'sync', note_sync):
            waiting = Call(self.first.put, None, Stream(data))
            at_sync.wait(PATIENCE)
            self.crash()
            waiting.wait()
        self.take_content()
        self.come_back()
        self.assertNotEqual(None, waiting.error, 'acknowledged')
        self.assertFalse(data == get(self.second, lost))

    def refuse_content(self):
        """Let the OSDs store what the MDS keeps, and no content of files."""
        self.addCleanup(self.take_content)
        self.addCleanup(self.cluster.revive)
        self.cluster.command('osd', 'pool', 'set', 'data', 'min_size', '3')
        self.cluster.kill('osd.2')
        self.wait_until_no_group_is_active('data')

    def take_content(self):
        self.cluster.command('osd', 'pool', 'set', 'data', 'min_size', '2')

    def test_snapshots_are_roots_to_read_and_no_part_of_the_live_one(self):
        mark(self.nodes[0])
        kept, changed = [self.first.put(None, Stream(b'old')) for _ in range(2)]
        os.mkdir(os.path.join(self.nodes[0], '.snap', 'one'))
        self.first.assign(None, changed, Stream(b'new'))
        self.first.delete(None, kept)
        self.check_nothing_is_foreign()
        snapshot = os.path.join(self.nodes[1], '.snap', 'one')
        before = FilesystemStorage(root=snapshot)
        for module_data in (kept, changed):
            self.assertEqual(b'old', get(before, module_data))
        said = self.run_command('scrub', self.in_machine('second') + '/.snap/one')
        self.assertTrue(': 2 whole, 0 damaged' in said, said)
        self.assertEqual(errno.EROFS, self.error_of(before.put, None, Stream(b'never stored')))
        self.assertEqual(errno.EROFS, self.error_of(before.delete, None, kept))
        # The check sees a folder that is there, with the very same in it.
        shutil.copytree(snapshot, os.path.join(self.nodes[1], '.copy'))
        self.assert_fails(self.check_nothing_is_foreign, 'foreign')
        os.rmdir(os.path.join(self.nodes[0], '.snap', 'one'))

    def check_nothing_is_foreign(self):
        for node in ('first', 'second'):
            said = self.run_command('ls', self.in_machine(node), '--foreign')
            self.assertEqual('0 temporaries, 0 foreign; 1 object', said)
            said = self.run_command('sweep', self.in_machine(node), '--older-than', '0s')
            self.assertTrue(said.startswith('0 temporaries'), said)
            said = self.run_command('scrub', self.in_machine(node))
            self.assertTrue(said.startswith('1 object, '), said)
            self.assertTrue(': 1 whole, 0 damaged' in said, said)

    def test_a_backup_is_made_from_a_snapshot_as_the_page_shows(self):
        root_id = mark(self.nodes[0])
        stored = self.first.put(None, Stream(b'content'))
        self.folder = tempfile.mkdtemp(prefix='mezeo_fsstore-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.walk(section('CephFS'), 4, self.folder)
        restored = os.path.join(self.folder, 'restored')
        os.mkdir(restored)
        self.cluster.machine.run('tar', '-C', restored, '--xattrs', '-xpf',
                                 os.path.join(self.folder, 'objects.tar'))
        storage = FilesystemStorage(root=restored, root_id=root_id)
        self.assertEqual(b'content', get(storage, stored))
        self.assertEqual(digest(b'content'), self.kept_digest(storage, stored))
        self.assertEqual([], os.listdir(os.path.join(self.nodes[0], '.snap')))

    def local(self, text):
        for shown, here in (('/srv/objects', self.nodes[0]), ('/mnt/backup', self.folder)):
            text = text.replace(shown, here)
        return super(CephTest, self).local(text)

    def test_the_examination_says_what_the_table_says(self):
        report = self.run_command('check', self.in_machine('first'))
        row = re.search('^[|] CephFS .*$', read_page('deploy.md'), re.M).group(0).split(' | ')
        for cell, line, said in ((1, 'sync of directories', 'yes'), (5, 'inodes free', 'no'),
                                 (4, 'copies that share blocks (reflink)', 'no'),
                                 (6, 'extended attributes', 'yes')):
            self.assertTrue(re.search('^(ok   |warn ) %s +%s\\b' % (re.escape(line), said), report,
                                      re.M), report)
            self.assertTrue(row[cell].startswith('yes' if said == 'yes' else 'no'), row[cell])
