"""The example `DeduplicatedStorage`: a storage module, and what it promises beyond."""

import errno
import fcntl
import json
import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import tempfile
import threading

from tests import Stream, StreamError, content
from tests.examples import deduplicated as example
from tests.examples.deduplicated import DeduplicatedStorage, MissingIndex
from tests.kit.memory import MemoryStorage
from tests.kit.together import Question
from tests.sdk.stacked_modules import FILES, SIMPLE, LayerCase, deduplicated, encrypted, sweep
from tests.sdk.test_encrypted import needs_cryptography
from tests.support import mock, open_descriptors, unittest
from mezeo_fsstore import FilesystemStorage

SEED = 20120601


class DeduplicatedCase(LayerCase):
    """The kit; what lies in the files is there once."""

    deleteOfMissingRaises = False
    readersOutliveDelete = readersOutliveAssign = True

    def compareWrittenData(self, module_data, data):
        self._expectContent(module_data, data, 'a deduplicated object')
        sweep(self.platform)
        self.assertEqual(1, self.stored_files().count(data))


class OverSimpleTest(DeduplicatedCase, unittest.TestCase):
    layers = [('Simple', SIMPLE), ('Deduplicated', deduplicated('Simple'))]


class OverFilesTest(DeduplicatedCase, unittest.TestCase):
    layers = [('Files', FILES), ('Deduplicated', deduplicated('Files'))]


@needs_cryptography
class OverEncryptedTest(DeduplicatedCase, unittest.TestCase):
    layers = [('Files', FILES), ('Encrypted', encrypted('Files')),
              ('Deduplicated', deduplicated('Encrypted'))]

    def compareWrittenData(self, module_data, data):
        self._expectContent(module_data, data, 'an encrypted, deduplicated object')


def make_index(path):
    """Make an empty index, as an administrator does."""
    for part in example.PARTS:
        os.makedirs(os.path.join(path, part))


class IndexCase(unittest.TestCase):
    """A test with a module over `self.below`, and a look at its index."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='deduplicated-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.index = os.path.join(self.folder, 'index')
        make_index(self.index)
        self.below = self.make_below()
        self.context = {'func': {'getModule': {'below': self.below}.__getitem__}}
        self.storage = self.make()

    def make_below(self):
        return MemoryStorage()

    def make(self, durable='false'):
        return DeduplicatedStorage(module='below', index=self.index, durable=durable)

    def put(self, data):
        return self.storage.put(self.context, Stream(data))

    def assign(self, module_data, data):
        self.storage.assign(self.context, module_data, Stream(data))

    def delete(self, module_data):
        self.storage.delete(self.context, module_data)

    def get(self, module_data):
        stream = self.storage.get_read_stream(self.context, module_data)
        try:
            return stream.read()
        finally:
            stream.close()

    def available(self, module_data):
        return self.storage.available(self.context, module_data)

    def size(self, module_data):
        return self.storage.get_size(self.context, module_data)

    def sweep(self):
        return self.storage.sweep(self.context)

    def names(self, part):
        return os.listdir(os.path.join(self.index, part))

    def record(self, module_data):
        """Return the path of an object's record, and the module_data below that it names."""
        path = os.path.join(self.index, 'references', module_data)
        with open(path) as source:
            return path, json.loads(source.readline())

    def assert_error(self, number, call, *arguments):
        try:
            call(*arguments)
        except EnvironmentError as error:
            self.assertEqual(number, error.errno, str(error))
            return error
        self.fail('no error')

    def assert_index(self, contents, references):
        """So many of each, and nothing pending."""
        self.assertEqual((contents, references, 0), tuple(
            len(self.names(part)) for part in ('contents', 'references', 'pending')))


class DeduplicationTest(IndexCase):

    def test_equal_contents_are_stored_once_until_the_last_is_swept(self):
        made = [self.put(content(1000)) for _ in range(5)] + [self.put(b'other')]
        self.assertEqual(2, len(self.below.objects))
        self.assert_index(2, 6)
        for module_data in made[:4]:
            self.delete(module_data)
            self.assertEqual(0, self.sweep())
            self.assertEqual(content(1000), self.get(made[4]))
        self.delete(made[4])
        self.assertEqual(1, self.sweep())
        self.assertEqual([b'other'], list(self.below.objects.values()))
        self.delete(made[5])
        self.assertEqual(1, self.sweep())
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_only_sweep_destroys_a_content(self):
        one, two = self.put(b'first'), self.put(b'second')
        before = dict(self.below.objects)
        self.assign(one, b'')
        self.delete(one)
        self.delete(two)
        for module_data in before:
            self.assertEqual(before[module_data], self.below.objects[module_data])
        self.assertEqual(3, self.sweep())
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_a_replaced_object_lets_go_of_its_content(self):
        one, two = self.put(b'shared'), self.put(b'shared')
        for data in (b'of its own', b'of its own', b'shared', b'shared', b'', b'last'):
            self.assign(one, data)
            self.sweep()
            self.assertEqual((data, b'shared'), (self.get(one), self.get(two)))
            self.assertEqual(sorted(set([data, b'shared'])), sorted(self.below.objects.values()))
            self.assert_index(len(set([data, b'shared'])), 2)

    def test_a_content_that_comes_back_is_stored_again(self):
        for _ in range(3):
            module_data = self.put(b'content')
            self.delete(module_data)
            self.assertEqual(1, self.sweep())
            self.assertEqual({}, self.below.objects)
        self.assertEqual(b'content', self.get(self.put(b'content')))

    def test_a_content_that_comes_back_before_the_sweep_stays(self):
        self.delete(self.put(b'content'))
        module_data = self.put(b'content')
        self.assertEqual(0, self.sweep())
        self.assertEqual(b'content', self.get(module_data))
        self.assertEqual(1, len(self.below.objects))

    def test_a_reader_that_meets_a_replacement_gets_the_new_content(self):
        module_data, read = self.put(b'first'), self.below.get_read_stream

        def replaced(context, name):
            self.below.get_read_stream = read
            self.assign(module_data, b'second')
            self.sweep()
            return read(context, name)
        self.below.get_read_stream = replaced
        self.assertEqual(b'second', self.get(module_data))

    def test_available_that_meets_a_replacement_is_true(self):
        module_data, available = self.put(b'first'), self.below.available

        def replaced(context, name):
            self.below.available = available
            self.assign(module_data, b'second')
            self.sweep()
            return available(context, name)
        self.below.available = replaced
        self.assertTrue(self.storage.available(self.context, module_data) is True)

    def test_an_error_below_is_passed_on_and_not_taken_for_missing(self):
        module_data = self.put(b'content')
        with mock.patch.object(self.below, 'get_read_stream', side_effect=IOError(errno.EIO, 'x')):
            self.assert_error(errno.EIO, self.get, module_data)
        with mock.patch.object(self.below, 'available', side_effect=IOError(errno.EIO, 'x')):
            self.assert_error(errno.EIO, self.available, module_data)
        with mock.patch.object(self.below, 'get_size', side_effect=IOError(errno.EIO, 'x')):
            for call in (self.available, self.get, self.size):
                self.assert_error(errno.EIO, call, module_data)
        self.delete(module_data)
        with mock.patch.object(self.below, 'delete', side_effect=IOError(errno.EIO, 'x')):
            self.assert_error(errno.EIO, self.sweep)
        self.assertEqual(1, len(self.below.objects))
        self.assertEqual(1, self.sweep())
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_what_can_not_be_destroyed_does_not_fail_an_assign(self):
        one = self.put(b'content')
        with mock.patch.object(self.below, 'delete', side_effect=IOError(errno.EIO, 'x')):
            two = self.put(b'content')
            self.assign(one, b'other')
        self.assertEqual((b'other', b'content'), (self.get(one), self.get(two)))
        self.assertEqual(1, self.sweep())
        self.assertEqual(2, len(self.below.objects))
        self.assert_index(2, 2)

    def test_a_broken_stream_leaves_nothing_to_sweep(self):
        self.assertRaises(StreamError, self.storage.put, self.context,
                          Stream(b'part', None, StreamError))
        self.assert_index(0, 0)
        self.assertEqual(0, self.sweep())

    def test_a_stream_that_returns_no_bytes_is_told_and_stores_nothing(self):
        for wrong in (None, u'text', 17):
            class Wrong(object):
                def read(self, size=-1):
                    return wrong
            try:
                self.storage.put(self.context, Wrong())
            except TypeError as error:
                self.assertTrue(repr(wrong) in str(error), str(error))
            else:
                self.fail('%r was stored' % (wrong,))
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_a_module_below_that_raises_for_missing_objects_does_as_well(self):
        def delete(context, module_data):
            del self.below.objects[module_data]
        self.below.delete = delete
        self.assertRaises(StreamError, self.storage.put, self.context,
                          Stream(b'part', None, StreamError))
        self.delete(self.put(b'content'))
        self.assertEqual(1, self.sweep())
        self.assert_index(0, 0)

    def test_sweep_leaves_alone_what_is_being_stored(self):
        class Sweeping(Stream):
            def read(stream, size=-1):
                swept.append(self.sweep())
                return super(Sweeping, stream).read(size)
        swept = []
        module_data = self.storage.put(self.context, Sweeping(b'content'))
        self.assertEqual(b'content', self.get(module_data))
        self.assertEqual([0] * len(swept), swept)

    def test_the_index_reaches_the_disk_before_a_content_is_destroyed(self):
        events, fsync, delete = [], os.fsync, self.below.delete
        self.storage = self.make(durable='true')
        module_data = self.put(b'first')
        self.assign(module_data, b'second')

        def synced(fd):
            events.append(os.path.basename(os.readlink('/proc/self/fd/%d' % fd)))
            fsync(fd)

        def deleted(context, name):
            events.append('delete')
            delete(context, name)
        self.below.delete = deleted
        with mock.patch('os.fsync', synced):
            self.delete(module_data)
            self.assertEqual(['references'], events)
            self.assertEqual(2, self.sweep())
        self.assertEqual(['references'] + sorted(example.PARTS), events[:1] + sorted(events[1:4]))
        self.assertEqual(['delete'] * 2, events[4:])

    def test_a_record_is_on_the_disk_before_it_is_needed(self):
        events, fsync, rename, assign = [], os.fsync, os.rename, self.below.assign
        self.storage = self.make(durable='true')

        def synced(fd):
            events.append(os.path.relpath(os.readlink('/proc/self/fd/%d' % fd), self.index)
                          .split('/')[0])
            fsync(fd)

        def renamed(source, target):
            rename(source, target)
            events.append('rename to ' + os.path.relpath(target, self.index).split('/')[0])

        def assigned(*arguments):
            events.append('assign')
            assign(*arguments)
        self.below.assign = assigned
        with mock.patch('os.fsync', synced):
            with mock.patch('os.rename', renamed):
                self.put(b'content')
        self.assertEqual(['pending', 'pending', 'assign', 'pending', 'rename to contents',
                          'pending', 'contents', 'references', 'rename to references',
                          'references'], events)

    def test_changes_wait_for_the_lock_of_the_index(self):
        module_data = self.put(b'content')
        for change in (lambda: self.assign(module_data, b'other'),
                       lambda: self.delete(module_data),
                       lambda: self.storage.sweep(self.context)):
            with self.storage._index.locked():
                question = Question(change)
                # Long enough for what does not wait; what does would wait for ever.
                self.assertFalse(question.wait(0.1))
            self.assertTrue(question.wait(60))
            self.assertTrue(question.error is None, question.error)

    def test_a_full_disk_under_the_index_leaves_nothing(self):
        for write in (mock.Mock(side_effect=OSError(errno.ENOSPC, 'full')),
                      mock.Mock(return_value=1)):
            with mock.patch('os.write', write):
                self.assertRaises(EnvironmentError, self.put, b'content')
            self.assertEqual({}, self.below.objects)
            self.assert_index(0, 0)

    def test_an_object_that_changes_all_the_time_is_an_error_in_the_end(self):
        module_data, number = self.put(b'first'), [0]

        def replaced(context, name):
            number[0] += 1
            self.assign(module_data, content(number[0]))
            self.sweep()
            raise KeyError(name)
        self.below.get_read_stream = replaced
        self.assert_error(errno.EAGAIN, self.get, module_data)

    def test_unusable_arguments_are_refused(self):
        for arguments in ({'index': self.index}, {'module': 'below'},
                          {'module': 'below', 'index': 'relative'},
                          {'module': 'below', 'index': self.index, 'durable': 'no'},
                          {'module': 'below', 'index': self.index, 'durable': 0}):
            self.assertRaises(ValueError, DeduplicatedStorage, **arguments)
        for word in (True, False, 'true', 'False', u'false'):
            self.make(word)


class UncountedTest(IndexCase):
    """What is referred to is told by the references themselves, not by numbers of links."""

    def setUp(self):
        super(UncountedTest, self).setUp()
        self.made = [self.put(b'shared'), self.put(b'shared'), self.put(b'of its own')]
        self.contents = [b'shared', b'shared', b'of its own']

    def assert_nothing_is_lost(self):
        self.assertEqual(0, self.sweep())
        self.assertEqual(self.contents, [self.get(module_data) for module_data in self.made])
        self.delete(self.made[0])
        self.assertEqual(0, self.sweep())
        self.assertEqual(self.contents[1:], [self.get(stored) for stored in self.made[1:]])
        self.assign(self.made[2], b'shared')
        self.assertEqual(1, self.sweep())
        self.assertEqual([b'shared'], list(self.below.objects.values()))
        self.delete(self.made[1])
        self.delete(self.made[2])
        self.assertEqual(1, self.sweep())
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def restore(self, copy):
        os.rename(self.index, os.path.join(self.folder, 'lost'))
        copy(os.path.join(self.folder, 'lost'), self.index)
        self.storage = self.make()

    def test_an_index_restored_by_cp_loses_nothing(self):
        self.restore(lambda *paths: subprocess.check_call(['cp', '-r'] + list(paths)))
        self.assert_nothing_is_lost()

    def test_an_index_restored_file_by_file_loses_nothing(self):
        # As `rsync -a` does, or an archive without hard links.
        self.restore(shutil.copytree)
        self.assert_nothing_is_lost()

    def test_an_index_whose_records_are_hard_links_of_each_other_will_do(self):
        # As earlier versions made it.
        for module_data in self.made:
            path = self.record(module_data)[0]
            with open(path) as record:
                key = record.read().split()[-1]
            os.unlink(path)
            os.link(os.path.join(self.index, 'contents', key), path)
        self.assert_nothing_is_lost()

    def test_a_filesystem_that_hides_numbers_of_links_loses_nothing(self):
        def hiding(call):
            def hidden(*arguments, **options):
                status = list(call(*arguments, **options))
                status[3] = 1
                return os.stat_result(status)
            return hidden
        for name in ('stat', 'lstat', 'fstat'):
            patch = mock.patch('os.' + name, hiding(getattr(os, name)))
            patch.start()
            self.addCleanup(patch.stop)
        self.assert_nothing_is_lost()

    def test_a_filesystem_without_hard_links_will_do(self):
        with mock.patch('os.link', side_effect=OSError(errno.EPERM, 'no links here')):
            self.made.append(self.put(b'new'))
            self.delete(self.made.pop())
            self.assertEqual(1, self.sweep())
            self.assert_nothing_is_lost()

    def test_a_copy_made_while_others_wrote_loses_nothing(self):
        # It has a record in `contents`, and in `pending` as well.
        copied, index = self.put(b'copied'), self.storage._index
        shutil.copy(os.path.join(self.index, 'references', copied),
                    os.path.join(self.index, 'pending', copied))
        suspects, referenced = index._suspects, index._referenced

        def deleted_after():
            found = suspects()
            self.delete(copied)
            index._referenced = stored_before
            return found

        def stored_before(names):
            self.made.append(self.put(b'copied'))
            return referenced(names)
        index._suspects = deleted_after
        self.assertEqual(0, self.sweep())
        del index._suspects, index._referenced
        again = self.made.pop()
        self.assertEqual(b'copied', self.get(again))
        self.delete(again)
        self.assertEqual(1, self.sweep())
        self.assert_nothing_is_lost()


class DamageTest(IndexCase):
    """The module below has a content no longer, or not all of it."""

    def damage(self, module_data, data=None):
        """Have the module below keep `data` of an object's content, or nothing."""
        name = self.record(module_data)[1]
        if data is None:
            del self.below.objects[name]
        else:
            self.below.objects[name] = data

    def test_an_upload_of_the_same_bytes_is_stored_anew(self):
        for damaged in (None, b'', b'conten', b'content and more'):
            first = self.put(b'content')
            self.damage(first, damaged)
            second = self.put(b'content')
            self.assertEqual(b'content', self.get(second))
            # And that one is shared from now on.
            third = self.put(b'content')
            self.assertEqual(self.record(second)[1], self.record(third)[1])
            for module_data in (first, second, third):
                self.delete(module_data)
            self.sweep()
            self.assertEqual({}, self.below.objects)
            self.assert_index(0, 0)

    def test_what_is_damaged_is_not_available_and_heals_when_it_is_stored_again(self):
        for damaged in (None, b'', b'conten', b'content and more'):
            made = [self.put(b'content') for _ in range(3)]
            self.damage(made[0], damaged)
            self.assertEqual([False] * 3, [self.available(module_data) for module_data in made])
            for module_data in made:
                # The platform copies what is not available here.
                self.assign(module_data, b'content')
                self.assertTrue(self.available(module_data) is True)
                self.assertEqual((7, b'content'), (self.size(module_data), self.get(module_data)))
            self.sweep()
            self.assertEqual([b'content'], list(self.below.objects.values()))
            self.assert_index(1, 3)
            for module_data in made:
                self.delete(module_data)
            self.assertEqual(1, self.sweep())

    def test_a_damaged_content_that_objects_still_have_is_not_destroyed(self):
        first = self.put(b'content')
        self.damage(first, b'conten')
        self.delete(self.put(b'content'))
        self.assertEqual(1, self.sweep())
        self.assertEqual([b'conten'], list(self.below.objects.values()))
        self.delete(first)
        self.assertEqual(1, self.sweep())
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_a_part_is_never_read_as_the_whole(self):
        module_data = self.put(b'content')
        for damaged in (b'', b'conten', b'content and more'):
            self.damage(module_data, damaged)
            for call in (self.get, self.size):
                error = self.assert_error(errno.EIO, call, module_data)
                self.assertTrue('%d bytes, and not 7' % len(damaged) in str(error), str(error))

    def test_what_is_gone_has_no_size(self):
        module_data = self.put(b'content')
        self.below.get_size = mock.Mock(side_effect=IOError(errno.ENOENT, 'gone below'))
        self.assert_error(errno.ENOENT, self.size, module_data)

    def test_a_content_that_can_not_be_asked_about_does_not_fail_the_uploads_of_its_bytes(self):
        first, get_size = self.put(b'content'), self.below.get_size

        def damaged(context, name):
            if name == self.record(first)[1]:
                raise IOError(errno.EIO, 'damaged')
            return get_size(context, name)
        self.below.get_size = damaged
        self.assertEqual(b'content', self.get(self.put(b'content')))

    def test_a_content_that_changes_while_it_is_asked_about_is_asked_about_again(self):
        lost = self.put(b'content')
        self.damage(lost)
        available, meanwhile = self.below.available, []

        def stored_meanwhile(context, name):
            self.below.available = available
            answer = available(context, name)
            meanwhile.append(self.put(b'content'))
            return answer
        self.below.available = stored_meanwhile
        module_data = self.put(b'content')
        self.assertEqual(self.record(meanwhile[0])[1], self.record(module_data)[1])
        self.assertEqual(b'content', self.get(module_data))
        self.assertEqual(1, len(self.below.objects))


class SweepTest(IndexCase):

    def test_foreign_names_and_empty_records_do_not_stop_it(self):
        kept = self.put(b'kept')
        self.delete(self.put(b'garbage'))
        key = '0' * 64 + '-7'
        for name in ('.nfs0000000000c8a3e100000001', '.fuse_hidden0000001a00000002', 'lost+found',
                     key, '0' * 32, '0' * 32 + '~'):
            for part in example.PARTS:
                with open(os.path.join(self.index, part, name), 'w'):
                    pass
        self.assertEqual(1, self.sweep())
        self.assertEqual(b'kept', self.get(kept))
        self.assertEqual([b'kept'], list(self.below.objects.values()))
        self.assertEqual(0, self.sweep())
        # Nor is there an object whose record does not say it all. It may be stored.
        for text in ('', '"the module_data below"\n', '"the module_data below"\n0123'):
            with open(os.path.join(self.index, 'references', '0' * 32), 'w') as record:
                record.write(text)
            self.assertFalse(self.available('0' * 32))
            self.assert_error(errno.ENOENT, self.get, '0' * 32)
            self.assert_error(errno.ENOENT, self.size, '0' * 32)
        self.assign('0' * 32, b'content')
        self.assertEqual(b'content', self.get('0' * 32))

    def test_an_upload_that_ends_meanwhile_does_not_stop_it(self):
        self.delete(self.put(b'garbage'))
        names = self.storage._index._names
        self.storage._index._names = lambda part: names(part) + ['f' * 32]
        self.assertEqual(1, self.sweep())

    def test_damaged_records_of_contents_do_not_stop_it(self):
        for text in ('x', '"', '[1]', 'null', '{}', u'"\xe9"', '\0' * 20):
            self.delete(self.put(b'garbage'))
            for path in (os.path.join('contents', '0' * 64 + '-7'),
                         os.path.join('pending', '0' * 32)):
                with open(os.path.join(self.index, path), 'wb') as record:
                    record.write(text.encode('utf-8'))
            self.assertEqual(1, self.sweep(), text)
            self.assert_index(0, 0)

    def test_a_content_whose_record_is_damaged_is_stored_anew(self):
        one = self.put(b'content')
        for text in ('', 'x'):
            with open(os.path.join(self.index, 'contents', self.names('contents')[0]), 'w') as it:
                it.write(text)
            two = self.put(b'content')
            self.assertEqual((b'content', b'content'), (self.get(one), self.get(two)))
            self.assertNotEqual(self.record(one), self.record(two))

    def test_a_damaged_reference_is_told_before_anything_is_destroyed(self):
        path, below = self.record(self.put(b'content'))
        for text in ('x', '"', '[1]', '\0' * 20):
            self.delete(self.put(b'garbage'))
            with open(path, 'w') as record:
                record.write(text)
            for call, arguments in ((self.sweep, ()), (self.available, [os.path.basename(path)]),
                                    (self.get, [os.path.basename(path)])):
                error = self.assert_error(errno.EIO, call, *arguments)
                self.assertEqual(path, error.filename)
            self.assertEqual([b'content', b'garbage'], sorted(self.below.objects.values()))
        self.assign(os.path.basename(path), b'content')
        self.assertEqual(b'content', self.get(os.path.basename(path)))
        self.sweep()
        self.assertEqual([b'content'], list(self.below.objects.values()))

    def test_a_reference_that_can_not_be_read_is_told_before_anything_is_destroyed(self):
        path, below = self.record(self.put(b'content'))
        self.delete(self.put(b'garbage'))
        os.rename(path, path + '~')
        os.mkdir(path)
        self.assert_error(errno.EISDIR, self.sweep)
        self.assertEqual(2, len(self.below.objects))
        os.rmdir(path)
        os.rename(path + '~', path)
        self.assertEqual(1, self.sweep())
        self.assertEqual([below], list(self.below.objects))

    def test_a_content_that_can_not_be_destroyed_does_not_keep_the_others_from_it(self):
        for number in range(5):
            self.delete(self.put(content(number)))
        stuck, delete = sorted(self.below.objects)[2], self.below.delete

        def deleted(context, name):
            if name == stuck:
                raise IOError(errno.EIO, 'x')
            delete(context, name)
        self.below.delete = deleted
        self.assert_error(errno.EIO, self.sweep)
        self.assertEqual([stuck], list(self.below.objects))
        self.below.delete = delete
        self.assertEqual(1, self.sweep())
        self.assert_index(0, 0)

    def test_many_contents_need_no_descriptor_each(self):
        for number in range(100):
            self.delete(self.put(content(number)))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(open_descriptors()) + 20, hard))
        try:
            self.assertEqual(100, self.sweep())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def meet(self, what):
        """Sweep, and do `what` while the first and the second time all references are read."""
        referenced = self.storage._index._referenced

        def met(names):
            found = referenced(names)
            if self.during:
                return found
            self.during = True
            question = Question(what)
            self.assertTrue(question.wait(60), 'it waits for the sweep')
            self.assertTrue(question.error is None, question.error)
            self.during = False
            return found
        self.during = False
        with mock.patch.object(self.storage._index, '_referenced', met):
            return self.sweep()

    def test_uploads_and_deletes_go_on_while_it_reads(self):
        made = [self.put(b'first')]
        self.delete(self.put(b'garbage'))

        def change():
            self.delete(made[-1])
            made.append(self.put(content(len(made))))
            self.assign(made[-1], b'again')
        self.meet(change)
        self.assertEqual(b'again', self.get(made[-1]))
        self.sweep()
        self.assertEqual([b'again'], list(self.below.objects.values()))
        self.assert_index(1, 1)

    def test_a_content_that_is_stored_again_meanwhile_is_not_destroyed(self):
        made = []
        self.delete(self.put(b'content'))
        self.meet(lambda: made.append(self.put(b'content')))
        for _ in range(2):
            self.assertEqual([b'content'] * 2, [self.get(module_data) for module_data in made])
            self.assertEqual(0, self.sweep())
        for module_data in made:
            self.delete(module_data)
        self.sweep()
        self.assertEqual({}, self.below.objects)
        self.assert_index(0, 0)

    def test_two_at_once_destroy_what_one_would(self):
        kept = self.put(b'kept')
        self.delete(self.put(b'garbage'))
        self.meet(self.sweep)
        self.assertEqual([b'kept'], list(self.below.objects.values()))
        self.assertEqual(b'kept', self.get(kept))
        self.assert_index(1, 1)

    def test_a_volume_that_goes_away_meanwhile_costs_nothing(self):
        kept = self.put(b'kept')
        self.delete(self.put(b'garbage'))
        referenced, away = self.storage._index._referenced, self.index + '.away'

        def gone(names):
            os.rename(self.index, away)
            make_index(self.index)
            with open(os.path.join(self.index, 'lock'), 'w'):
                pass
            return referenced(names)
        with mock.patch.object(self.storage._index, '_suspects', lambda: self.names('contents')):
            with mock.patch.object(self.storage._index, '_referenced', gone):
                self.assertRaises(MissingIndex, self.sweep)
        self.assertEqual([b'garbage', b'kept'], sorted(self.below.objects.values()))
        shutil.rmtree(self.index)
        os.rename(away, self.index)
        self.assertEqual(1, self.sweep())
        self.assertEqual(b'kept', self.get(kept))


class UnmountedTest(IndexCase):

    def test_no_call_takes_an_index_that_is_not_mounted_for_an_empty_one(self):
        module_data = self.put(b'content')
        away = self.index + '.away'
        os.rename(self.index, away)
        for mounted in (False, True):
            if mounted:
                # The directory on which the volume was mounted is empty now.
                os.mkdir(self.index)
            for call, arguments in (
                    (self.available, [module_data]), (self.get, [module_data]),
                    (self.size, [module_data]), (self.delete, [module_data]),
                    (self.assign, [module_data, b'other']), (self.put, [b'new']),
                    (self.sweep, []), (self.make, [])):
                try:
                    call(*arguments)
                except MissingIndex as error:
                    self.assertEqual((errno.ENODEV, self.index), (error.errno, error.filename))
                else:
                    self.fail(call)
        self.assertEqual([], os.listdir(self.index))
        self.assertEqual([b'content'], list(self.below.objects.values()))
        os.rmdir(self.index)
        os.rename(away, self.index)
        self.assertEqual(b'content', self.get(module_data))


class DescriptorTest(IndexCase):

    def run_forked(self, call):
        """Run `call` in a child; return what it returns, a text."""
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            try:
                os.write(writing, call().encode('utf-8'))
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, 'rb') as answer:
            found = answer.read().decode('utf-8')
        os.waitpid(process, 0)
        return found

    def test_no_log_line_of_a_host_without_standard_streams_gets_into_the_index(self):
        def log():
            for fd in range(3):
                try:
                    os.write(fd, b'a line of the log\n')
                except EnvironmentError:
                    pass

        def store():
            opened = os.open

            def then_log(*arguments):
                fd = opened(*arguments)
                # From another thread, at the first moment at which the file is open.
                thread = threading.Thread(target=log)
                thread.start()
                thread.join()
                return fd

            class Logging(Stream):
                def read(self, size=-1):
                    log()
                    return super(Logging, self).read(size)
            for closed in ([0, 1, 2], [1], [0, 2]):
                for fd in closed:
                    os.close(fd)
                with mock.patch('os.open', then_log):
                    self.storage = self.make()
                    for data in (b'one', b'one', b'two'):
                        module_data = self.storage.put(self.context, Logging(data))
                    self.delete(module_data)
                    self.sweep()
                for fd in closed:
                    os.dup2(null, fd)
            return 'done'
        null = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, null)
        self.assertEqual('done', self.run_forked(store))
        self.assertEqual((1, 6), (len(self.names('contents')), len(
            [name for name in self.names('references') if name != '.new'])))
        for folder, _, names in os.walk(self.index):
            for name in names:
                with open(os.path.join(folder, name), 'rb') as record:
                    self.assertFalse(b'log' in record.read(), name)

    def test_a_child_that_was_forked_meanwhile_does_not_keep_the_lock(self):
        reading, writing = os.pipe()
        with self.storage._index.locked():
            child = os.fork()
            if not child:
                try:
                    os.close(writing)
                    os.read(reading, 1)
                finally:
                    os._exit(0)
        try:
            question = Question(lambda: self.put(b'content'))
            self.assertTrue(question.wait(60))
            self.assertTrue(question.error is None, question.error)
        finally:
            os.close(writing)
            os.close(reading)
            os.waitpid(child, 0)


class FilesCase(IndexCase):
    """Files below, in `self.store`, which processes can share."""

    def make_below(self):
        self.store = os.path.join(self.folder, 'store')
        os.mkdir(self.store)
        return FilesystemStorage(root=self.store, durable=False)


class KilledTest(FilesCase):
    """A process that is killed between any two steps loses nothing that is referred to."""

    def kept(self):
        """Return the contents that lie below, in order."""
        found = []
        for folder, _, names in os.walk(self.store):
            # A temporary that a killed writer leaves is for the module below to sweep.
            for name in [name for name in names if not name.startswith('.')]:
                with open(os.path.join(folder, name), 'rb') as stored:
                    found.append(stored.read())
        return sorted(found)

    def die_at(self, step, call):
        """Run `call` in a process that dies at its `step`-th step; return whether it did."""
        process = os.fork()
        if process:
            status = os.waitpid(process, 0)[1]
            self.assertTrue(status in (0, 7 << 8), status)
            return status != 0
        try:
            left = [step]

            def dying(function):
                def counted(*arguments, **options):
                    if not left[0]:
                        os._exit(7)
                    left[0] -= 1
                    return function(*arguments, **options)
                return counted
            for owner, name in ((os, 'rename'), (os, 'unlink'), (os, 'write'),
                                (self.below, 'assign'), (self.below, 'delete'),
                                (fcntl, 'flock'), (example, '_open')):
                setattr(owner, name, dying(getattr(owner, name)))
            call()
            os._exit(0)
        finally:
            os._exit(1)

    def assert_killed_anywhere(self, prepare, call, before, after, damaged=()):
        """For each step at which `call` dies, the objects are as before or as after it.

        `prepare` returns the objects; `before` and `after` are their contents, None for none.
        `damaged` contents lie below as well.
        """
        step = 0
        while True:
            objects = prepare()
            died = self.die_at(step, lambda: call(objects))
            found = [self.get(module_data) if self.storage.available(self.context, module_data)
                     else None for module_data in objects]
            self.assertTrue(found in (before, after), 'killed at step %d: %r' % (step, found))
            self.sweep()
            expected = list(damaged) + list(set(data for data in found if data is not None))
            self.assertEqual(sorted(expected), self.kept(), 'killed at step %d' % step)
            self.assertEqual(found, [None if data is None else self.get(module_data)
                                     for module_data, data in zip(objects, found)])
            self.assertTrue(len(self.names('pending')) <= len(damaged))
            for module_data in objects:
                self.delete(module_data)
            self.sweep()
            self.assertEqual([], self.kept())
            if not died:
                return self.assertTrue(found == after and step > 2, step)
            step += 1

    def new(self):
        return self.storage.new_data(self.context)

    def test_while_it_stores_a_new_content(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'other'), self.new()],
            lambda objects: self.assign(objects[1], b'content'),
            [b'other', None], [b'other', b'content'])

    def test_while_it_stores_a_known_content(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'content'), self.new()],
            lambda objects: self.assign(objects[1], b'content'),
            [b'content', None], [b'content', b'content'])

    def test_while_it_replaces_a_content_of_its_own(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'other'), self.put(b'first')],
            lambda objects: self.assign(objects[1], b'second'),
            [b'other', b'first'], [b'other', b'second'])

    def test_while_it_replaces_a_shared_content_by_a_shared_one(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'one'), self.put(b'two'), self.put(b'one')],
            lambda objects: self.assign(objects[2], b'two'),
            [b'one', b'two', b'one'], [b'one', b'two', b'two'])

    def test_while_it_replaces_a_content_by_the_same(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'same'), self.put(b'same')],
            lambda objects: self.assign(objects[1], b'same'),
            [b'same', b'same'], [b'same', b'same'])

    def test_while_it_deletes_the_last_object_of_a_content(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'other'), self.put(b'content')],
            lambda objects: self.delete(objects[1]),
            [b'other', b'content'], [b'other', None])

    def test_while_it_deletes_one_of_several(self):
        self.assert_killed_anywhere(
            lambda: [self.put(b'content'), self.put(b'content')],
            lambda objects: self.delete(objects[1]),
            [b'content', b'content'], [b'content', None])

    def test_while_it_replaces_a_content_that_is_damaged(self):
        def prepare():
            objects = [self.put(b'content'), self.new()]
            with open(os.path.join(self.store, json.loads(self.record(objects[0])[1])['path']),
                      'w'):
                pass
            return objects
        self.assert_killed_anywhere(
            prepare, lambda objects: self.assign(objects[1], b'content'),
            [None, None], [None, b'content'], damaged=[b''])

    def test_while_it_sweeps(self):
        def prepare():
            objects = [self.put(b'content'), self.put(b'first')]
            self.assign(objects[1], b'second')
            self.delete(objects[1])
            return objects
        self.assert_killed_anywhere(
            prepare, lambda objects: self.sweep(), [b'content', None], [b'content', None])

    def test_while_it_sweeps_what_a_killed_one_left(self):
        for first in (4, 5, 7, 8):
            def prepare():
                objects = [self.put(b'content'), self.new()]
                self.assertTrue(self.die_at(first, lambda: self.assign(objects[1], b'other')))
                return objects
            self.assert_killed_anywhere(
                prepare, lambda objects: self.sweep(), [b'content', None], [b'content', None])


class TogetherTest(FilesCase):

    def test_processes_share_contents_and_lose_none(self):
        contents = [bytes(bytearray([65 + index])) * (5000 + index) for index in range(3)]
        shared = [self.storage.new_data(self.context) for _ in range(3)]
        results = multiprocessing.Queue()
        processes = [multiprocessing.Process(target=self.work, args=(number, shared, contents,
                                                                     results))
                     for number in range(4)]
        for process in processes:
            process.start()
        outcomes = [results.get() for _ in processes]
        for process in processes:
            process.join()
        results.close()
        results.join_thread()
        self.assertEqual([''] * 4, [problem for _, problem in outcomes])
        for own, _ in outcomes:
            for module_data in own:
                self.assertTrue(self.get(module_data) == contents[own[module_data]],
                                'an object of one process only (seed %d)' % SEED)
        alive = [module_data for module_data in shared
                 if self.storage.available(self.context, module_data)]
        everything = alive + [module_data for own, _ in outcomes for module_data in own]
        distinct = set(self.get(module_data) for module_data in everything)
        self.assertTrue(distinct <= set(contents))
        self.sweep()
        # One that a sweep and an upload have met over may be there twice.
        kept = set(self.record(module_data)[1] for module_data in everything)
        self.assertEqual(len(kept), sum(len(names) for _, _, names in os.walk(self.store)))
        for module_data in everything:
            self.delete(module_data)
        self.sweep()
        self.assert_index(0, 0)
        self.assertEqual(0, sum(len(names) for _, _, names in os.walk(self.store)))

    def work(self, number, shared, contents, results):
        """Assign, delete and read, by a schedule of its own; report the objects it still has."""
        choose, own, problem = random.Random(SEED + number), {}, ''
        try:
            for _ in range(60):
                self.step(choose, own, shared, contents)
        except BaseException as error:
            problem = '%r (seed %d)' % (error, SEED + number)
        results.put((own, problem))

    def step(self, choose, own, shared, contents):
        index, action = choose.randrange(len(contents)), choose.random()
        if action < 0.25:
            own[self.put(contents[index])] = index
        elif action < 0.4 and own:
            module_data = choose.choice(sorted(own))
            del own[module_data]
            self.delete(module_data)
        elif action < 0.6:
            self.assign(choose.choice(shared), contents[index])
        elif action < 0.7:
            self.delete(choose.choice(shared))
        elif action < 0.75:
            self.sweep()
        elif action < 0.9 and own:
            module_data = choose.choice(sorted(own))
            self.assertTrue(self.get(module_data) == contents[own[module_data]])
        else:
            try:
                self.assertTrue(self.get(choose.choice(shared)) in contents)
            except EnvironmentError as error:
                self.assertEqual(errno.ENOENT, error.errno)
