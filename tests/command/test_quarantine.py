"""`scrub --quarantine`: a damaged object makes room for a good one, and no object is ever lost."""

import contextlib
import errno
import json
import os
import shutil

from mezeo_fsstore import disk
from mezeo_fsstore.admin import quarantine
from mezeo_fsstore.root import Root
from tests import Stream, content
from tests.command.test_scrub import ScrubCase
from tests.faults.system_calls import Death, Dying, Failing, Recording
from tests.kit.miniature import Platform
from tests.sdk.stacked_modules import deduplicated, encrypted, registrations
from tests.sdk.test_encrypted import needs_cryptography
from tests.support import mark, mock

QUARANTINE = '.mezeo_fsstore.quarantine'


class QuarantineCase(ScrubCase):

    def damaged(self, data=b'content'):
        """Return the `module_data` of an object that has rotted."""
        module_data = self.put(data)
        self.flip(module_data)
        return module_data

    def quarantined(self):
        """Return the paths of what lies in quarantine, as they were in the root."""
        return [path[len(QUARANTINE) + 1:] for path in self.files()
                if path.startswith(QUARANTINE + '/')]

    def temporaries(self):
        return [path for path in super(QuarantineCase, self).temporaries()
                if not path.startswith(QUARANTINE)]


class MoveTest(QuarantineCase):

    def test_a_damaged_object_is_moved_and_available_says_that_there_is_none(self):
        module_data, good = self.damaged(), self.put(b'good')
        self.assertTrue(self.storage.available(None, module_data))
        status, found, counts = self.scrub('--quarantine')
        self.assertEqual((1, 1), (status, counts['quarantined']))
        self.assertEqual((True, 'damaged'), (found[self.relative(module_data)]['quarantined'],
                                             found[self.relative(module_data)]['verdict']))
        self.assertTrue(self.storage.available(None, module_data) is False)
        self.assertEqual([self.relative(module_data)], self.quarantined())
        self.assertEqual(b'good', self.get(good))
        # Its name is free for a good one, which the next run proves.
        self.storage.assign(None, module_data, Stream(b'content'))
        status, found, counts = self.scrub('--quarantine')
        self.assertEqual((0, {}, 2), (status, found, counts['whole']))
        self.assertEqual([self.relative(module_data)], self.quarantined())

    def test_the_line_for_people_says_what_was_moved(self):
        self.damaged()
        output = self.run_command('scrub', self.root, '--quarantine')[1].decode('utf-8')
        self.assertTrue(output.splitlines()[0].endswith('Z\tquarantined'), output)

    def test_no_more_are_moved_than_asked_for_and_the_rest_is_reported(self):
        for _ in range(5):
            self.damaged()
        for most, moved in ((0, 0), (2, 2), (2, 2), (2, 1)):
            _, found, counts = self.scrub('--quarantine', '--most', str(most))
            self.assertEqual(moved, counts['quarantined'])
        self.assertEqual(5, len(self.quarantined()))

    def test_by_default_it_is_sixteen(self):
        for _ in range(18):
            self.damaged()
        _, found, counts = self.scrub('--quarantine')
        self.assertEqual((16, 18), (counts['quarantined'], len(found)))

    def test_unstable_objects_are_never_moved_and_unreadable_ones_are(self):
        from mezeo_fsstore.admin import proving
        for answers, moved in ((['0' * 64, '1' * 64], 0), ([None, None], 1)):
            module_data = self.put()
            left = list(answers)
            with mock.patch.object(proving.Prover, '_read', lambda *_: left.pop()):
                _, _, counts = self.scrub_here('--quarantine')
            self.assertEqual(moved, counts['quarantined'], answers)
            self.storage.delete(None, module_data)

    def test_the_folders_are_the_owners_alone(self):
        self.damaged()
        old = os.umask(0)
        try:
            self.scrub('--quarantine')
        finally:
            os.umask(old)
        for folder in (QUARANTINE, os.path.dirname(QUARANTINE + '/' + self.quarantined()[0])):
            self.assertEqual(0o700, os.stat(os.path.join(self.root, folder)).st_mode & 0o7777)

    def test_a_link_in_the_place_of_the_folder_is_refused(self):
        module_data = self.damaged()
        elsewhere = os.path.join(self.folder, 'elsewhere')
        os.mkdir(elsewhere)
        os.symlink(elsewhere, os.path.join(self.root, QUARANTINE))
        status, found, counts = self.scrub('--quarantine')
        self.assertEqual((1, 0), (status, counts['quarantined']))
        self.assertEqual([], os.listdir(elsewhere))
        self.assertTrue(os.path.exists(self.path(module_data)))
        self.assertTrue(QUARANTINE.encode('ascii') in self.errors, self.errors)
        os.unlink(os.path.join(self.root, QUARANTINE))

    def test_where_a_copy_is_in_quarantine_nothing_is_moved_and_it_is_said(self):
        module_data = self.damaged(b'first')
        self.scrub('--quarantine')
        self.storage.assign(None, module_data, Stream(b'second'))
        self.flip(module_data)
        status, found, counts = self.scrub('--quarantine')
        self.assertEqual((1, 0), (status, counts['quarantined']))
        self.assertTrue(b'in quarantine already' in self.errors, self.errors)
        self.assertTrue(os.path.exists(self.path(module_data)))
        with open(os.path.join(self.root, QUARANTINE, self.relative(module_data)), 'rb') as source:
            self.assertEqual(5, len(source.read()))

    def test_without_hard_links_nothing_is_moved_and_it_is_said(self):
        module_data = self.damaged()
        for number in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            with mock.patch('os.link', side_effect=OSError(number, 'not here')):
                status, _, counts = self.scrub_here('--quarantine')
            self.assertEqual((1, 0), (status, counts['quarantined']))
            self.assertTrue('no hard links' in self.said, self.said)
            self.assertTrue(os.path.exists(self.path(module_data)))
        self.assertEqual([], self.quarantined())

    def test_a_full_volume_is_not_taken_for_one_without_links(self):
        module_data = self.damaged()
        with mock.patch('os.link', side_effect=OSError(errno.ENOSPC, 'No space left on device')):
            status, _, counts = self.scrub_here('--quarantine')
        self.assertEqual((1, 0), (status, counts['quarantined']))
        self.assertTrue('hard links' not in self.said and 'No space' in self.said, self.said)
        self.assertTrue(os.path.exists(self.path(module_data)))
        self.assertEqual([], self.temporaries())

    def test_a_root_whose_marker_is_gone_is_refused_and_nothing_moves(self):
        root_id = mark(self.root)
        module_data = self.damaged()
        root = Root(self.root, root_id)
        os.unlink(os.path.join(self.root, '.mezeo_fsstore'))
        fd = os.open(self.path(module_data), os.O_RDONLY)
        try:
            self.raised(EnvironmentError, quarantine.Quarantine(root).take,
                        self.relative(module_data), fd)
        finally:
            os.close(fd)
        self.assertEqual([], self.quarantined())

    def test_ls_lists_what_is_in_quarantine_apart(self):
        module_data = self.damaged()
        self.scrub('--quarantine')
        self.assertEqual('', self.run_command('ls', self.root)[1].decode('utf-8'))
        listed = self.run_command('ls', self.root, '--foreign')[1].decode('utf-8')
        self.assertTrue(listed.startswith('quarantined\t"%s/%s"\t7\t' % (
            QUARANTINE, self.relative(module_data))), listed)


class RaceTest(QuarantineCase):
    """What takes the place of a damaged object while it is moved."""

    def move(self, module_data, before_rename, after_rename=lambda: None):
        """Move the object while `before_rename` and `after_rename` happen around the rename."""
        fd = os.open(self.path(module_data), os.O_RDONLY)
        try:
            with self.around_rename(before_rename, after_rename):
                return quarantine.Quarantine(Root(self.root)).take(self.relative(module_data), fd)
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def around_rename(self, before, after=lambda: None):
        """For a `with`: `before` and `after` happen around the first rename."""
        original = os.rename

        def rename(source, target):
            os.rename = original
            before()
            original(source, target)
            after()
        try:
            os.rename = rename
            yield
        finally:
            os.rename = original

    def test_a_good_one_that_came_just_before_the_rename_is_put_back(self):
        module_data = self.damaged()
        self.assertFalse(self.move(
            module_data, lambda: self.storage.assign(None, module_data, Stream(b'new'))))
        self.assertEqual(b'new', self.get(module_data))
        self.assertEqual([], self.quarantined())

    def test_one_that_came_after_it_is_never_covered(self):
        module_data = self.damaged()
        self.assertFalse(self.move(
            module_data, lambda: self.storage.assign(None, module_data, Stream(b'new')),
            lambda: self.storage.assign(None, module_data, Stream(b'newest'))))
        self.assertEqual(b'newest', self.get(module_data))
        self.assertEqual([], self.quarantined())

    def test_one_that_comes_after_a_right_move_stays(self):
        module_data = self.damaged()
        self.assertTrue(self.move(
            module_data, lambda: None,
            lambda: self.storage.assign(None, module_data, Stream(b'new'))))
        self.assertEqual(b'new', self.get(module_data))
        self.assertEqual([self.relative(module_data)], self.quarantined())

    def test_one_that_was_deleted_is_not_moved(self):
        module_data = self.damaged()
        self.assertFalse(self.move(module_data, lambda: self.storage.delete(None, module_data)))
        self.assertEqual([], self.quarantined())

    def test_one_that_was_replaced_is_no_damage(self):
        module_data = self.damaged()
        with self.around_rename(lambda: self.storage.assign(None, module_data, Stream(b'new'))):
            status, found, counts = self.scrub_here('--quarantine')
        self.assertEqual((0, {}, 0), (status, found, counts['damaged']))
        self.assertEqual(b'new', self.get(module_data))

    def test_the_number_of_a_freed_file_does_not_come_back_while_it_is_moved(self):
        # On ext4 the second replacement gets the number of the first one, which was freed.
        module_data = self.damaged()

        def replace_twice():
            for data in (b'new', b'newest'):
                self.storage.assign(None, module_data, Stream(data))
        self.assertFalse(self.move(module_data, replace_twice))
        self.assertEqual(b'newest', self.get(module_data))


class EveryCallTest(QuarantineCase):
    """The move dies, or fails, at each of its calls."""

    def take(self, module_data):
        fd = os.open(self.path(module_data), os.O_RDONLY)
        try:
            return quarantine.Quarantine(Root(self.root)).take(self.relative(module_data), fd)
        finally:
            os.close(fd)

    def calls(self):
        module_data = self.damaged()
        with Recording() as recorded:
            self.assertTrue(self.take(module_data))
        self.start_anew()
        return len(recorded.calls)

    def start_anew(self):
        for name in os.listdir(self.root):
            if name != '.mezeo_fsstore':
                shutil.rmtree(os.path.join(self.root, name), ignore_errors=True)
                if os.path.exists(os.path.join(self.root, name)):
                    os.unlink(os.path.join(self.root, name))

    def places(self, module_data):
        """Return where the object is: in its place, in quarantine, or both."""
        found = [self.path(module_data),
                 os.path.join(self.root, QUARANTINE, self.relative(module_data))]
        return [os.path.exists(path) for path in found]

    def test_killed_at_any_call_the_object_is_in_one_place(self):
        for last in range(self.calls()):
            module_data = self.damaged()
            with Dying(last):
                self.raised(Death, self.take, module_data)
            self.assertEqual(1, sum(self.places(module_data)), last)
            self.forget_temporaries()
            self.start_anew()

    def forget_temporaries(self):
        for path in self.temporaries():
            os.unlink(os.path.join(self.root, path))

    def test_failing_at_any_call_it_is_in_one_place_and_the_error_is_raised(self):
        for place in range(self.calls()):
            module_data = self.damaged()
            with Failing(errno.EIO, place) as seam:
                try:
                    self.take(module_data)
                except (EnvironmentError, quarantine.Refused):
                    pass
                else:
                    self.assertTrue(seam.failed[0] in ('close', 'link'), seam.failed)
            self.assertEqual(1, sum(self.places(module_data)), seam.failed)
            self.forget_temporaries()
            self.start_anew()

    def test_a_good_object_taken_by_a_run_that_was_killed_goes_back_with_the_next(self):
        last, went_back = 0, 0
        while True:
            module_data = self.damaged(b'old')
            fd = os.open(self.path(module_data), os.O_RDONLY)
            self.storage.assign(None, module_data, Stream(b'new'))
            try:
                with Dying(last):
                    quarantine.Quarantine(Root(self.root)).take(self.relative(module_data), fd)
            except Death:
                pass
            else:
                break
            finally:
                os.close(fd)
            self.forget_temporaries()
            went_back += not os.path.exists(self.path(module_data))
            status, found, _ = self.scrub_here('--quarantine')
            self.assertEqual((0, {}), (status, found), last)
            self.assertEqual(b'new', self.get(module_data), last)
            self.assertEqual([], self.quarantined(), last)
            self.start_anew()
            last += 1
        self.assertTrue(went_back, 'no kill has left the good one in quarantine')

    def test_both_directories_are_on_the_disk_when_it_is_told(self):
        module_data = self.damaged()
        synced = []
        original = disk.sync_directory

        def sync_directory(fd, path):
            synced.append(os.path.relpath(path, self.root))
            return original(fd, path)
        with mock.patch.object(disk, 'sync_directory', sync_directory):
            self.take(module_data)
        shard = self.relative(module_data)[:3]
        self.assertEqual(['.', QUARANTINE, shard, QUARANTINE + '/' + shard], synced)


class PutBackTest(QuarantineCase):

    def test_what_proves_whole_goes_back_where_its_name_is_free(self):
        module_data = self.damaged()
        self.scrub('--quarantine')
        inside = os.path.join(self.root, QUARANTINE, self.relative(module_data))
        with open(inside, 'wb') as target:
            target.write(b'content')
        status, found, counts = self.scrub('--quarantine')
        self.assertEqual((0, {}, 1), (status, found, counts['whole']))
        self.assertTrue(b'put back' in self.errors, self.errors)
        self.assertEqual(b'content', self.get(module_data))

    def test_what_is_damaged_or_whose_name_is_taken_stays(self):
        module_data, other = self.damaged(), self.damaged()
        self.scrub('--quarantine')
        with open(os.path.join(self.root, QUARANTINE, self.relative(other)), 'wb') as target:
            target.write(b'content')
        self.storage.assign(None, other, Stream(b'newer'))
        self.scrub('--quarantine')
        self.assertEqual(sorted([self.relative(module_data), self.relative(other)]),
                         self.quarantined())
        self.assertEqual(b'newer', self.get(other))

    def test_without_the_option_nothing_is_touched(self):
        module_data = self.damaged()
        self.scrub('--quarantine')
        with open(os.path.join(self.root, QUARANTINE, self.relative(module_data)), 'wb') as target:
            target.write(b'content')
        self.scrub()
        self.assertEqual([self.relative(module_data)], self.quarantined())


class HealingTest(QuarantineCase):
    """The platform heals a location from another one."""

    FILES = {'module': 'mezeo_fsstore.FilesystemStorage', 'args': {'root': '@/store'}}

    def heal(self, layers):
        """Store an object at A and B, let it rot at A; scrub, replicate, scrub."""
        texts = [text for place in 'AB' for text in registrations(
            layers, os.path.join(self.folder, place), place)]
        platform = Platform(texts)
        top = layers[-1][0]
        stored = platform.replicate(platform.upload(
            top + ' A', Stream(content(50000))), top + ' A', top + ' B')[0]
        self.root = os.path.join(self.folder, 'A', 'store')
        objects = [path for path in self.files() if not os.path.basename(path).startswith('.')]
        self.assertTrue(objects)
        for path in objects:
            self.flip('{"path": "%s"}' % path, 10)
        self.assertTrue(platform.available(stored, top + ' A'))
        status, found, counts = self.scrub('--quarantine')
        self.assertEqual((1, len(objects)), (status, counts['quarantined']))
        self.assertFalse(platform.available(stored, top + ' A'))
        healed, copied = platform.replicate(stored, top + ' B', top + ' A')
        self.assertTrue(copied)
        self.assertEqual(content(50000), platform.download(healed, top + ' A'))
        status, found, counts = self.scrub()
        self.assertEqual((0, {}), (status, found))
        self.assertTrue(counts['whole'] >= 1)
        self.assertTrue(json.dumps(counts))

    def test_the_module_by_itself(self):
        self.heal([('Files', self.FILES)])

    def test_below_the_example_that_deduplicates(self):
        self.heal([('Files', self.FILES), ('Unique', deduplicated('Files'))])

    @needs_cryptography
    def test_below_the_example_that_encrypts(self):
        self.heal([('Files', self.FILES), ('Secret', encrypted('Files'))])
