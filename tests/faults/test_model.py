"""The order on disk: whatever a loss of power leaves of any moment, no object is lost or partial.

Each operation runs for real and is recorded; a disk on paper then replays it call by call, and all
that might be left of it after each call is looked at.
"""

import hashlib
import os

from mezeo_fsstore import disk, names, store
from mezeo_fsstore.root import Root
from tests import Stream
from tests.faults.system_calls import Death, Dying, Recording
from tests.faults.toydisk import ToyDisk
from tests.support import RootTestCase, keeps_attributes, mark, mock, path_in

OLD, NEW = b'the old one', b'the NEW content'


class Broken(AssertionError):
    """A state that the design does not allow."""


class ModelTestCase(RootTestCase):

    def setUp(self):
        super(ModelTestCase, self).setUp()
        self.toy = ToyDisk(self.root)
        self.has_digests = keeps_attributes(self.root)
        # What each object may be, by its path: None stands for missing.
        self.allowed = {}
        self.states = 0

    def record(self, call, *arguments, **options):
        with Recording(options.get('shorten', False)) as seam:
            call(*arguments)
        return seam.calls

    def replay(self, calls):
        """Replay the calls, and look at what each may leave behind."""
        for name, arguments, result in calls:
            self.toy.replay(name, arguments, result)
            self.look('after %s%r' % (name, arguments))

    def look(self, when):
        for path in self.allowed:
            possible = self.toy.possible(path)
            self.states += len(possible)
            allowed = set(content if content is None else (content, self.digest(content))
                          for content in self.allowed[path])
            if not possible <= allowed:
                raise Broken('%s, %s may be %r' % (when, path, possible - allowed))

    def digest(self, content):
        """Return the attribute of an object: None where this machine's files have none."""
        return hashlib.sha256(content).hexdigest().encode('ascii') if self.has_digests else None

    def assign(self, module_data, content, **options):
        """Assign, and go through all that may be left on the way."""
        path = path_in(module_data)
        earlier = self.allowed.get(path, set([None]))
        calls = self.record(self.storage.assign, None, module_data, Stream(content, most=2),
                            **options)
        self.allowed[path] = earlier | set([content])
        self.replay(calls)
        self.allowed[path] = set([content])
        self.look('acknowledged')

    def delete(self, module_data):
        path = path_in(module_data)
        calls = self.record(self.storage.delete, None, module_data)
        self.allowed[path] = self.allowed[path] | set([None])
        self.replay(calls)
        self.allowed[path] = set([None])
        self.look('acknowledged')

    def die(self, last, call, *arguments):
        """Let the process die before its call number `last`; return whether it came so far."""
        with Dying(last) as seam:
            try:
                call(*arguments)
                alive = True
            except Death:
                alive = False
        self.replay(seam.calls)
        return not alive

    # The scenarios.

    def life(self, shorten=False):
        """All operations, on an object whose shard is new, and on one whose shard is not."""
        first = '{"path": "abc/%s"}' % ('1' * 32)
        second = '{"path": "abc/%s"}' % ('2' * 32)
        for module_data in (first, second):
            self.assign(module_data, OLD, shorten=shorten)
            self.assign(module_data, NEW, shorten=shorten)
        self.delete(first)
        self.delete(first)
        self.assign(first, NEW, shorten=shorten)
        self.delete(second)
        self.assertEqual(NEW, self.get(first))

    def deaths(self):
        """A writer that dies at any of its calls, and the next one in the same shard."""
        dead, number = True, 0
        while dead:
            shard = '%03x' % number
            one, other = ['{"path": "%s/%s"}' % (shard, digit * 32) for digit in '12']
            self.allowed[path_in(one)] = set([None, NEW])
            dead = self.die(number, self.storage.assign, None, one, Stream(NEW, most=4))
            self.assign(other, NEW)
            # The dead one's again, whatever it has left.
            self.assign(one, OLD)
            number += 1
        self.assertTrue(number > 10, '%d calls only' % number)
        self.sweep()

    def deleters(self):
        dead, number = True, 0
        while dead:
            module_data = '{"path": "%03x/%s"}' % (number, '1' * 32)
            self.assign(module_data, OLD)
            self.allowed[path_in(module_data)] = set([OLD, None])
            dead = self.die(number, self.storage.delete, None, module_data)
            self.delete(module_data)
            number += 1
        self.assertTrue(number > 3)

    def sweep(self):
        for path in self.temporaries():
            os.unlink(os.path.join(self.root, path))


class PowerCutTest(ModelTestCase):

    def test_at_every_moment_each_object_is_absent_or_whole_and_acknowledged_ones_stay(self):
        self.life()
        self.assertTrue(self.states > 100, '%d states only' % self.states)

    def test_so_it_is_where_the_system_writes_less_than_it_is_given(self):
        self.life(shorten=True)

    def test_so_it_is_with_a_marker(self):
        self.storage = self.make(root_id=mark(self.root))
        self.life()

    def test_a_writer_that_dies_at_any_call_costs_no_object_of_the_next(self):
        self.deaths()

    def test_a_deleter_that_dies_at_any_call_is_followed_by_one_that_makes_sure(self):
        self.deleters()


class MutationTest(ModelTestCase):
    """The model bites: what is taken away from the code makes it fail."""

    def caught(self, scenario, target, name, replacement, *arguments):
        """Fail unless the scenario breaks with `replacement` for `target.name`."""
        with mock.patch.object(target, name, replacement):
            self.assertRaises(Broken, scenario, *arguments)
        self.sweep()

    def test_without_the_sync_of_the_file(self):
        self.caught(self.life, disk, 'sync', lambda *_: None)

    def test_with_the_digest_after_the_sync(self):
        if not self.has_digests:
            self.skipTest('the files here have no attributes')
        original, digests = disk.set_digest, []

        def close(fd, path):
            original(fd, digests.pop(), path)
            disk.os.close(fd)
        with mock.patch.object(disk, 'close', close):
            self.caught(self.life, disk, 'set_digest',
                        lambda fd, digest, path: digests.append(digest))

    def test_with_the_digest_of_another_content(self):
        if not self.has_digests:
            self.skipTest('the files here have no attributes')
        original = disk.set_digest
        self.caught(self.life, disk, 'set_digest',
                    lambda fd, digest, path: original(fd, digest[::-1], path))

    def test_without_the_sync_of_the_directory(self):
        original = disk.sync_directory
        self.caught(self.life, disk, 'sync_directory', lambda fd, path: (
            original(fd, path) if path == self.root else None))

    def test_without_the_sync_of_the_parent_of_a_new_shard(self):
        self.caught(self.life, Root, 'sync', lambda *_: None)

    def test_without_the_rename(self):
        with mock.patch.object(disk, 'rename', lambda *_: None):
            self.caught(self.life, names, 'temporary_of', lambda path: path)

    def test_without_the_check_of_a_short_write(self):
        self.caught(self.life, disk, 'write_all',
                    lambda fd, data, path: disk.os.write(fd, data), True)

    def test_without_the_mark_of_a_shard_that_is_not_synced(self):
        self.caught(self.deaths, store, '_UNSETTLED', 0)

    def test_without_the_sync_of_a_delete_that_finds_nothing(self):
        def remove(full):
            disk.remove(full)
            shard = disk.open_directory(os.path.dirname(full))
            disk.sync_directory(shard, full)
            disk.release(shard)
        self.caught(self.deleters, store.Store, '_remove_durably',
                    lambda _, full: remove(full))

    def test_with_the_rename_before_the_sync_of_the_file(self):
        original, waiting = disk.rename, []

        def sync(fd, path):
            waiting.append(disk.os.open(path, os.O_RDONLY))

        def rename(source, target):
            original(source, target)
            disk.os.fsync(waiting[-1])
            disk.os.close(waiting.pop())
        with mock.patch.object(disk, 'sync', sync):
            self.caught(self.life, disk, 'rename', rename)

    def test_with_the_sync_of_the_directory_before_the_rename(self):
        original, rename = disk.sync_directory, disk.rename

        def rename_last(source, target):
            shard = disk.open_directory(os.path.dirname(target))
            original(shard, target)
            disk.release(shard)
            rename(source, target)
        with mock.patch.object(disk, 'rename', rename_last):
            self.caught(self.life, disk, 'sync_directory', lambda fd, path: (
                original(fd, path) if path == self.root else True))
