"""Copies on the server: from our own stream the kernel does the work, and all stays as it was."""

import contextlib
import errno
import os
import subprocess
import sys
import tempfile

from mezeo_fsstore import FilesystemStorage, disk
from tests import Stream, StreamError, content
from tests.faults.system_calls import Failing
from tests.support import SOAK, RootTestCase, mock, mounted, path_in, unittest

FICLONE = 0x40049409
WAYS = ('mezeo_fsstore.disk.fcntl.ioctl', 'mezeo_fsstore.disk.copy_file_range',
        'mezeo_fsstore.disk.sendfile')
KERNEL_COPIES = sys.version_info[0] > 2


class CopiesTest(RootTestCase):

    settings = {'durable': False}

    def copy(self, module_data, position=0, read=0, storage=None):
        """Copy from a stream that is at `position`, or has been read from, through its buffer."""
        copied = (storage or self.storage).new_data(None)
        with self.storage.get_read_stream(None, module_data) as stream:
            stream.seek(position)
            stream.read(read)
            (storage or self.storage).assign(None, copied, stream)
            self.assertEqual(b'', stream.read(), 'the stream must be at its end')
            self.assertEqual(os.fstat(stream.fileno()).st_size, stream.tell())
        return copied

    def ways(self):
        """Yield after leaving the kernel one call less each time: clone, range, sendfile, none."""
        refuse = mock.Mock(side_effect=OSError(errno.EOPNOTSUPP, 'not here'))
        yield 'all'
        with mock.patch.object(disk.fcntl, 'ioctl', refuse):
            yield 'copy_file_range'
            with mock.patch.object(disk, 'copy_file_range', refuse):
                yield 'sendfile'
                with mock.patch.object(disk, 'sendfile', refuse):
                    yield 'reads'

    def test_a_copy_is_whole_from_every_position_in_every_way(self):
        data = content(300001)
        module_data, empty = self.put(data), self.put(b'')
        for way in self.ways():
            for position, read in ((0, 0), (0, 1), (1, 0), (4096, 0), (4097, 5000), (300000, 0),
                                   (300001, 0), (300000, 1)):
                copied = self.copy(module_data, position, read)
                self.assertTrue(data[position + read:] == self.get(copied),
                                '%s from %d + %d' % (way, position, read))
            self.assertEqual(b'', self.get(self.copy(empty)))

    @unittest.skipUnless(KERNEL_COPIES, 'Python 2 can not make a type of file of our own')
    def test_the_kernel_copies_and_nothing_is_read(self):
        module_data = self.put(content(3000000))
        reads = []
        with self.storage.get_read_stream(None, module_data) as stream:
            with mock.patch.object(disk, 'write_all', lambda *call: reads.append(call)):
                copied = self.storage.put(None, stream)
        self.assertEqual([], reads)
        self.assertTrue(content(3000000) == self.get(copied))

    def test_any_other_stream_is_only_read(self):
        module_data = self.put(content(100000))
        with open(self.path(module_data), 'rb') as stream:
            with mock.patch.object(disk, 'copy', side_effect=AssertionError):
                copied = self.storage.put(None, stream)
        self.assertEqual(content(100000), self.get(copied))

    @unittest.skipUnless(KERNEL_COPIES, 'Python 2 can not make a type of file of our own')
    def test_a_stream_of_a_type_derived_from_ours_is_only_read(self):
        from mezeo_fsstore.compat import ReadStream

        class Upper(ReadStream):
            def read(self, *size):
                return super(Upper, self).read(*size).upper()
        module_data = self.put(b'small letters')
        with Upper(self.path(module_data)) as stream:
            self.assertEqual(b'SMALL LETTERS', self.get(self.storage.put(None, stream)))

    def test_a_copy_of_what_is_deleted_or_replaced_meanwhile(self):
        for change in (lambda module_data: self.storage.delete(None, module_data),
                       lambda module_data: self.storage.assign(None, module_data, Stream(b'new'))):
            module_data, copied = self.put(content(500000)), self.storage.new_data(None)
            with self.storage.get_read_stream(None, module_data) as stream:
                change(module_data)
                self.storage.assign(None, copied, stream)
            self.assertEqual(content(500000), self.get(copied))

    def test_a_copy_over_itself(self):
        for _ in self.ways():
            module_data = self.put(content(500000))
            with self.storage.get_read_stream(None, module_data) as stream:
                self.storage.assign(None, module_data, stream)
            self.assertEqual(content(500000), self.get(module_data))

    def test_a_copy_is_as_durable_as_any_object(self):
        # From a root of its own: no shard of the copy's may be there already.
        with self.storage.get_read_stream(None, self.put(content(5000))) as stream:
            self.storage = self.make(durable=True, root=tempfile.mkdtemp(dir=self.folder))
            with mock.patch('os.fsync') as fsync:
                self.storage.put(None, stream)
        self.assertEqual(3, fsync.call_count)

    @unittest.skipUnless(KERNEL_COPIES, 'Python 2 can not make a type of file of our own')
    def test_a_fast_way_that_fails_or_lies_is_no_failure(self):
        data = content(500000)
        module_data = self.put(data)

        def lies(*arguments):
            """Say that all was copied, and copy a little."""
            os.write(arguments[0] if isinstance(arguments[1], int) and arguments[1] == FICLONE
                     else arguments[1] if name.endswith('range') else arguments[0], b'a part')
            return 500000
        for name in WAYS:
            answers = [OSError(number, 'fails') for number in (
                errno.EIO, errno.EAGAIN, errno.EBADF, errno.EACCES, errno.ENOSPC, errno.EINVAL)]
            for answer in answers + [lies, lambda *_: 0]:
                with self.only(name, answer) as call:
                    copied = self.copy(module_data)
                self.assertTrue(call.called, name)
                self.assertTrue(data == self.get(copied), '%s: %r' % (name, answer))

    @unittest.skipUnless(KERNEL_COPIES, 'Python 2 can not make a type of file of our own')
    def test_a_fast_way_that_fails_half_way_leaves_none_of_its_bytes(self):
        data = content(500000)
        module_data = self.put(data)
        for name in WAYS[1:]:
            def half(*arguments):
                os.write(arguments[1] if name.endswith('range') else arguments[0], b'x' * 400000)
                raise OSError(errno.EIO, 'fails')
            with self.only(name, half):
                self.assertTrue(data == self.get(self.copy(module_data)), name)

    @contextlib.contextmanager
    def only(self, name, answer):
        """Let one way of copying answer so, and the others refuse; yield the mock of that one."""
        refuse = OSError(errno.EOPNOTSUPP, 'not here')
        patches = [mock.patch(other, side_effect=answer if other == name else refuse)
                   for other in WAYS]
        mocks = [patch.start() for patch in patches]
        try:
            yield mocks[WAYS.index(name)]
        finally:
            for patch in patches:
                patch.stop()

    @unittest.skipUnless(KERNEL_COPIES, 'Python 2 can not make a type of file of our own')
    def test_a_copy_that_can_not_be_read_or_written_leaves_nothing_and_names_the_file(self):
        module_data = self.put(content(500000))
        for number in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
            before = self.files()
            with self.only(WAYS[0], OSError(errno.EXDEV, 'not here')):
                with Failing(number, fits=lambda name, arguments: name == 'write'):
                    with self.storage.get_read_stream(None, module_data) as stream:
                        error = self.raised(EnvironmentError, self.storage.put, None, stream)
            self.assertEqual(number, error.errno)
            self.assertTrue(error.filename.startswith(self.root))
            self.assertEqual(before, self.files())

    def test_a_closed_stream_is_an_error_and_leaves_nothing(self):
        module_data = self.put(content(5000))
        stream = self.storage.get_read_stream(None, module_data)
        stream.close()
        before = self.files()
        self.raised(ValueError, self.storage.put, None, stream)
        self.assertEqual(before, self.files())

    def test_a_copy_to_another_filesystem(self):
        module_data = self.put(content(2000000))
        other = os.path.join(self.folder, 'other')
        os.mkdir(other)
        with mounted(self, 'tmpfs', other, 'size=8m'):
            storage = self.make(root=other)
            copied = self.copy(module_data, storage=storage)
            with storage.get_read_stream(None, copied) as stream:
                self.assertTrue(content(2000000) == stream.read())

    def test_sparse_and_more_than_two_gibibytes(self):
        size = 2 * 1024 ** 3 + 4096 + 1
        module_data = self.put(b'start')
        with open(self.path(module_data), 'r+b') as stream:
            stream.truncate(size - 3)
            stream.seek(size - 3)
            stream.write(b'end')
        with mounted(self, 'tmpfs', self.make_folder('other'), 'size=5g'):
            if not SOAK:
                self.skipTest('it takes long: MEZEO_FSSTORE_SOAK=1 runs it')
            storage = self.make(root=os.path.join(self.folder, 'other'))
            copied = self.copy(module_data, storage=storage)
            self.assertEqual(size, storage.get_size(None, copied))
            with storage.get_read_stream(None, copied) as stream:
                self.assertEqual(b'start\0', stream.read(6))
                stream.seek(-4, os.SEEK_END)
                self.assertEqual(b'\0end', stream.read())

    def make_folder(self, name):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        return folder

    def test_the_error_of_another_stream_goes_on(self):
        self.raised(StreamError, self.storage.put, None, Stream(b'x', None, StreamError))


class SourceTest(RootTestCase):

    @unittest.skipUnless(hasattr(os, 'getxattr'), 'Python 2 knows no stream as ours')
    def test_an_error_of_the_source_names_the_source(self):
        storage = FilesystemStorage(root=self.root)
        stored = storage.put(None, Stream(b'content'))
        with storage.get_read_stream(None, stored) as source:
            for name, call in (('mezeo_fsstore.disk.get_attribute', disk.get_attribute),
                               ('mezeo_fsstore.disk.os.fstat', os.fstat)):
                with mock.patch(name, self.failing(call, source.fileno())):
                    with self.assertRaises(OSError) as failure:
                        storage.put(None, source)
                self.assertEqual((errno.EIO, os.path.join(self.root, path_in(stored))),
                                 (failure.exception.errno, failure.exception.filename))
        self.assertEqual([], self.temporaries())

    def failing(self, call, failing):
        def fail(fd, *arguments):
            if fd == failing:
                raise OSError(errno.EIO, 'Input/output error')
            return call(fd, *arguments)
        return fail


@unittest.skipUnless(KERNEL_COPIES, 'Python 2 can not make a type of file of our own')
class CloneTest(RootTestCase):
    """What a filesystem that shares blocks shows, on any: the kernel's clone is played."""

    settings = {'durable': False}

    def setUp(self):
        super(CloneTest, self).setUp()
        self.calls = []
        for name, play in zip(WAYS, (self.clone, self.copy_range, self.send)):
            patch = mock.patch(name, side_effect=play)
            patch.start()
            self.addCleanup(patch.stop)

    def clone(self, fd, request, source):
        """Make the file behind `fd` have all of `source`, wherever the two descriptors are."""
        self.calls.append(('clone', request))
        with open('/proc/self/fd/%d' % source, 'rb') as original:
            self.overwrite(fd, original.read())

    def overwrite(self, fd, data):
        with open('/proc/self/fd/%d' % fd, 'wb') as target:
            target.write(data)

    def copy_range(self, source, fd, size, at):
        self.calls.append(('copy_range', size, at))
        return os.write(fd, os.pread(source, size, at))

    def send(self, fd, source, at, size):
        self.calls.append(('send', size, at))
        return os.write(fd, os.pread(source, size, at))

    def copied(self, module_data, position):
        """Return what a copy from `position` holds; the stream must then be at its end."""
        with self.storage.get_read_stream(None, module_data) as stream:
            stream.seek(position)
            copied = self.storage.put(None, stream)
            self.assertEqual(os.fstat(stream.fileno()).st_size, stream.tell())
        return self.get(copied)

    def test_a_whole_copy_is_one_clone_and_nothing_more(self):
        for data in (content(500000), b'x', b''):
            self.assertTrue(data == self.copied(self.put(data), 0))
        self.assertEqual([('clone', FICLONE)] * 3, self.calls)

    def test_a_copy_from_a_later_position_is_no_clone(self):
        data = content(500000)
        module_data = self.put(data)
        self.assertTrue(data[1000:] == self.copied(module_data, 1000))
        self.assertEqual([('copy_range', 499000, 1000)], self.calls)

    def test_it_is_said_whether_all_has_arrived(self):
        source, target = self.path(self.put(b'content')), os.path.join(self.folder, 'target')
        for size, whole in ((7, True), (6, False)):
            with mock.patch(WAYS[1], side_effect=lambda source, fd, _, at: os.write(
                    fd, os.pread(source, size - at, at))):
                with mock.patch(WAYS[2], side_effect=OSError(errno.EINVAL, 'not here')):
                    with open(source, 'rb') as stream:
                        with open(target, 'wb') as copied:
                            self.assertEqual(whole, disk.copy(
                                stream.fileno(), 1, copied.fileno(), target))
            self.assertEqual(6 if whole else 0, os.path.getsize(target))

    def test_a_copy_from_the_end_is_empty_and_asks_for_nothing(self):
        self.assertEqual(b'', self.copied(self.put(b'content'), 7))
        self.assertEqual([], self.calls)

    def test_a_clone_that_is_not_all_is_no_copy(self):
        """As of a source that another has changed, which no object is."""
        def longer(fd, request, source):
            self.overwrite(fd, b'x' * 500001)
        data = content(500000)
        module_data = self.put(data)
        with mock.patch(WAYS[0], side_effect=longer):
            self.assertTrue(data == self.copied(module_data, 0))
        self.assertEqual([('copy_range', 500000, 0)], self.calls)

    def test_a_way_that_ends_early_is_asked_again_from_there(self):
        data = content(1000)
        module_data = self.put(data)
        refuse = OSError(errno.EOPNOTSUPP, 'not here')
        with mock.patch(WAYS[0], side_effect=refuse):
            with mock.patch(WAYS[1], side_effect=lambda source, fd, size, at: self.copy_range(
                    source, fd, min(size, 400), at)):
                self.assertEqual(data[10:], self.copied(module_data, 10))
            with mock.patch(WAYS[1], side_effect=refuse):
                with mock.patch(WAYS[2], side_effect=lambda fd, source, at, size: self.send(
                        fd, source, at, min(size, 400))):
                    self.assertEqual(data[10:], self.copied(module_data, 10))
        self.assertEqual([(way, size, at) for way in ('copy_range', 'send')
                          for size, at in ((400, 10), (400, 410), (190, 810))], self.calls)

    def test_one_call_copies_at_most_128_mebibytes(self):
        # An interrupt, or the end of the process, waits for it.
        most = 128 * 1024 ** 2
        module_data = self.put(b'')
        with open(self.path(module_data), 'r+b') as source:
            source.truncate(2 * most + 1)

        def copy_range(source, fd, size, at):
            self.calls.append((size, at))
            os.ftruncate(fd, at + size)
            return size
        with mock.patch(WAYS[0], side_effect=OSError(errno.EOPNOTSUPP, 'not here')):
            with mock.patch(WAYS[1], side_effect=copy_range):
                with self.storage.get_read_stream(None, module_data) as stream:
                    copied = self.storage.put(None, stream)
        self.assertEqual([(most, 0), (most, most), (1, 2 * most)], self.calls)
        self.assertEqual(2 * most + 1, self.storage.get_size(None, copied))


class SharedBlocksTest(RootTestCase):
    """Where the filesystem can, a copy takes no space, whatever its size."""

    @unittest.skipUnless(KERNEL_COPIES, 'Python 2 can not make a type of file of our own')
    def test_on_xfs_and_btrfs(self):
        skipped = []
        for kind in ('xfs', 'btrfs'):
            try:
                self.check(kind)
            except unittest.SkipTest as reason:
                skipped.append(str(reason))
        if len(skipped) == 2:
            self.skipTest('; '.join(skipped))

    def check(self, kind):
        if os.geteuid() != 0:
            # Nor does mkfs.btrfs work beside mounts of the superuser's.
            self.skipTest('only the superuser can mount')
        image = os.path.join(self.folder, kind)
        with open(image, 'wb') as stream:
            stream.truncate(400 * 1024 ** 2)
        try:
            process = subprocess.Popen(['mkfs.' + kind, '-q', image], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
        except OSError as error:
            self.skipTest('no mkfs.%s: %s' % (kind, error))
        output = process.communicate()[0]
        self.assertEqual(0, process.returncode, output)
        with mounted(self, kind, self.root, 'loop', source=image):
            module_data = self.put(content(1024 ** 2) * 64)
            subprocess.check_call(['sync', '-f', self.root])
            before = os.statvfs(self.root).f_bfree
            with self.storage.get_read_stream(None, module_data) as stream:
                copied = self.storage.put(None, stream)
            subprocess.check_call(['sync', '-f', self.root])
            taken = (before - os.statvfs(self.root).f_bfree) * os.statvfs(self.root).f_frsize
            self.assertTrue(taken < 1024 ** 2, '%s: %d bytes taken' % (kind, taken))
            self.storage.delete(None, module_data)
            self.assertTrue(content(1024 ** 2) * 64 == self.get(copied))
