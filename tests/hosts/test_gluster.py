"""A volume of GlusterFS that nodes share: what one does the others see, and nothing is lost.

The volume is real, of three bricks, and so are its mounts through FUSE; all of it lives in
namespaces, apart from the machine's own.
"""

import errno
import os
import stat

from mezeo_fsstore import FilesystemStorage, names
from tests import Stream
from tests.hosts import gluster
from tests.hosts.gluster import BRICKS, DISTRIBUTED, REPLICATED, VOLUME_OPTIONS, Volume
from tests.hosts.shared_volume import STEPS, Load, SharedVolume, VolumeCase, digest, get
from tests.support import mark, mock, path_in


class GlusterCase(VolumeCase):
    """Tests over one volume of the class's `kind`."""

    system = gluster
    kind = None
    errors_while_replaced = (errno.ENOTCONN, errno.ESTALE)

    @classmethod
    def make_volume(cls):
        return Volume(cls.cluster, 'objects', cls.kind, VOLUME_OPTIONS)

    def on_brick(self, number):
        """Return the test's root as a brick holds it."""
        return os.path.join(self.volume.brick(number), self.name)


class ReplicatedTest(SharedVolume, GlusterCase):

    kind = REPLICATED

    def assert_same_everywhere(self, expected):
        """As of all volumes; and each brick holds just the same, once it has what it missed.

        GlusterFS answers when most of the bricks have what is written.
        """
        super(ReplicatedTest, self).assert_same_everywhere(expected)
        self.volume.heal()
        paths = dict((path_in(module_data), expected[module_data]) for module_data in expected)
        for number in BRICKS:
            self.assertEqual(paths, digests(self.on_brick(number)), 'brick %d' % number)

    def test_nothing_is_lost_while_a_brick_dies_and_comes_back_under_load(self):
        load = Load(self, [self.modules(), self.modules()[::-1]])
        self.watch(lambda: load.is_below(STEPS // 2))
        self.volume.kill(1)
        self.addCleanup(self.volume.revive)
        self.watch(lambda: load.is_below(STEPS))
        self.volume.revive()
        expected = self.acknowledged(load)
        self.volume.revive()
        self.assertTrue(len(expected) > STEPS // 4, len(expected))
        self.assert_same_everywhere(expected)
        # What the healed brick has is what is read, where another is gone.
        self.volume.kill(2)
        for module_data in expected:
            for storage in (self.first, self.second):
                self.assertEqual(expected[module_data], digest(get(storage, module_data)))

    def test_without_a_quorum_nothing_is_stored_and_nothing_called_missing(self):
        module_data = self.first.put(None, Stream(b'content'))
        self.addCleanup(self.volume.revive)
        for number in (1, 2):
            self.volume.kill(number)
        for storage in (self.first, self.second):
            for call in (storage.available, storage.get_read_stream, storage.get_size,
                         storage.delete):
                self.assertNotEqual(errno.ENOENT, self.error_of(call, None, module_data))
            self.error_of(storage.put, None, Stream(b'never stored'))
            self.error_of(storage.assign, None, module_data, Stream(b'never stored'))
        self.volume.revive()
        self.assert_same_everywhere({module_data: digest(b'content')})

    def test_what_the_only_brick_left_has_missed_is_not_called_missing(self):
        """GlusterFS does: it is the marker, which cannot be read then, that tells."""
        root_id = mark(self.mounts[0])
        here, there = [FilesystemStorage(root=mount, root_id=root_id) for mount in self.mounts]
        self.addCleanup(self.volume.revive)
        self.volume.set('cluster.self-heal-daemon', 'off')
        self.volume.kill(3)
        module_data = here.put(None, Stream(b'content'))
        self.volume.start()
        for number in (1, 2):
            self.volume.kill(number)
        for storage in (here, there):
            for call in (storage.available, storage.get_read_stream, storage.get_size):
                self.assertNotEqual(errno.ENOENT, self.error_of(call, None, module_data))
        self.volume.revive()
        for storage in (here, there):
            self.assertEqual(b'content', get(storage, module_data))

    def test_a_directory_that_a_dead_writer_has_left_unsettled_is_settled_by_another_node(self):
        shard = path_in(self.first.put(None, Stream(b'content'))).split('/')[0]
        os.chmod(os.path.join(self.nodes[0], shard), 0o1700)
        self.second.assign(None, '{"path": "%s/%s"}' % (shard, '1' * 32), Stream(b'content'))
        for root in self.nodes + [self.on_brick(number) for number in BRICKS]:
            mode = os.stat(os.path.join(root, shard)).st_mode
            self.assertEqual(0o700, stat.S_IMODE(mode), root)


class DistributedTest(GlusterCase):
    """Each file lies on the brick that a sum of its name tells."""

    kind = DISTRIBUTED

    def put_many(self, number):
        storage = self.modules(durable=False)[0]
        for index in range(number):
            storage.put(None, Stream(b'content'))

    def link_files(self, number):
        """Return how many of `number` objects lie elsewhere than where they are looked for."""
        links, objects = [], []
        for brick in BRICKS:
            for path, status in statuses(self.on_brick(brick)):
                (links if is_link_file(status) else objects).append((brick, path))
        self.assertEqual(number, len(objects))
        # Or none would lie anywhere but on the first.
        self.assertEqual(set(BRICKS), set(brick for brick, _ in objects))
        return len(links)

    def test_no_object_leaves_a_link_file(self):
        self.put_many(300)
        self.assertEqual(0, self.link_files(300))

    def test_objects_of_temporaries_with_another_name_leave_link_files(self):
        def other(path):
            return '%s/tmp.%s' % (path.rpartition('/')[0], names.random_hex(8))
        with mock.patch.object(names, 'temporary_of', other):
            self.put_many(100)
        self.assertTrue(self.link_files(100) > 10)

    def test_what_nodes_store_replace_and_delete_is_there_and_leaves_no_link_file(self):
        """Each node its own objects: two that replace the same one may wait for each other."""
        expected = self.acknowledged(Load(self, [self.modules(), self.modules()[::-1]]))
        for storage in (self.first, self.second):
            for module_data in expected:
                self.assertEqual(expected[module_data], digest(get(storage, module_data)))
        self.assertEqual(0, self.link_files(len(expected)))


def statuses(folder):
    """Yield the path, relative to `folder`, and the status of each file below it."""
    for place, _, found in os.walk(folder):
        for name in found:
            path = os.path.join(place, name)
            yield os.path.relpath(path, folder), os.lstat(path)


def digests(folder):
    """Return the digest of each file below `folder` by its path there."""
    found = {}
    for path, _ in statuses(folder):
        with open(os.path.join(folder, path), 'rb') as source:
            found[path] = digest(source.read())
    return found


def is_link_file(status):
    """Return whether a file of a brick only tells on which other brick the content lies."""
    return status.st_size == 0 and stat.S_IMODE(status.st_mode) == stat.S_ISVTX
