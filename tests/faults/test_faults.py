"""Every call fails once, with each error: nothing is lost, visible, open, or left behind."""

import errno
import os
import shutil
import subprocess
import sys

from mezeo_fsstore import StorageUnavailable, disk, names
from tests import Stream, content
from tests.faults.system_calls import ERRORS, Failing, Recording
from tests.support import (
    PROJECT, RootTestCase, environment, mark, mock, mounted, open_descriptors, run_python, unittest)

OLD, NEW = b'the old one', b'the new content'

# The calls that copy without reading.
FAST = ('ioctl', 'copy_file_range', 'sendfile')

# What may end any call besides the errors of the system.
INTERRUPTS = (KeyboardInterrupt, MemoryError)


class EveryCallTest(RootTestCase):
    """Each operation, once for each of its calls and each error that this may answer."""

    #: Whether the operation never raises an error of the system.
    silent = False

    def setUp(self):
        super(EveryCallTest, self).setUp()
        self.number = 0

    def new_object(self, shard=None):
        """Return the `module_data` of a new object, in a shard of its own unless it is given."""
        self.number += 1
        return '{"path": "%s/%032x"}' % (shard or '%03x' % self.number, self.number)

    def new_object_in_a_shard(self):
        module_data = self.new_object()
        os.mkdir(os.path.dirname(self.path(module_data)))
        return module_data

    def for_each_failure(self, prepare, operate, check):
        """Let each call of `operate(module_data)` fail with each error, and by an interrupt.

        `prepare()` returns the `module_data`. `check(module_data, error, seam)` gets the exception
        that `operate` raised, or None, and the seam, whose `failed` is the call. Whatever the
        operation, it is seen here that the error is the one of the system, has a path, and leaks
        nothing; that an interrupt goes on as it is, and leaks nothing; and that no later error
        hides the first one, but an interrupt does.
        """
        module_data = prepare()
        with Recording(failures=True) as recorded:
            operate(module_data)
        self.assertTrue(recorded.calls)
        for place in range(len(recorded.calls)):
            for number in ERRORS:
                self.fail_once(prepare, operate, check, Failing(number, place), number)
            for interrupt in INTERRUPTS:
                self.fail_once(prepare, operate, check, Failing(interrupt, place), interrupt)
            for later in (errno.EROFS,) + INTERRUPTS:
                self.fail_once(prepare, operate, check, Failing(errno.EIO, place, later=later),
                               errno.EIO, later)

    def fail_once(self, prepare, operate, check, seam, first, later=None):
        module_data = prepare()
        descriptors, left = open_descriptors(), self.temporaries()
        error = None
        with seam:
            try:
                operate(module_data)
            except (EnvironmentError,) + INTERRUPTS as raised:
                error = raised
        self.what = '%s of %r fails with %s, then with %s' % (
            seam.failed[0], seam.failed[1], errno.errorcode.get(first, first), later)
        self.assertEqual(descriptors, open_descriptors(), self.what)
        if seam.failed[0] == 'unlink' or later:
            self.remove_temporaries()
        self.assertEqual(left, self.temporaries(), self.what)
        interrupt = later if seam.failed_again and later in INTERRUPTS else first
        if interrupt in INTERRUPTS:
            self.assertTrue(type(error) is interrupt, '%s: %r' % (self.what, error))
        elif error is None:
            self.assertTrue(self.silent or self.may_be_silent(seam, first), self.what)
        else:
            expected = [first]
            if later and (seam.failed[0] == 'unlink' or self.may_be_silent(seam, first)):
                # The sync after a removal, whatever came of that; or what comes after a call
                # whose failure is none.
                expected.append(later)
            # Where it is a link that is refused the error says how to do without.
            refused = seam.failed[0] == 'link' and 'by hand' in str(error)
            self.assertTrue(refused or error.errno in expected, '%s: %r' % (self.what, error))
            self.assertTrue(error.filename and error.filename.startswith(self.root),
                            '%s: no path in %r' % (self.what, error))
        check(module_data, error, seam)

    def may_be_silent(self, seam, number):
        """Return whether a call may fail and the operation succeed all the same."""
        call, name = seam.failed[0], os.path.relpath(seam.path, self.root)
        if call == 'close':
            # Nothing was written to a directory or the marker.
            return os.path.isdir(seam.path) or name == '.mezeo_fsstore'
        if call == 'unlink':
            # The second name of a new marker.
            return name.startswith('..mezeo_fsstore.')
        if call in FAST or call == 'fstat' and set(FAST).intersection(seam.before[-1:]):
            # A way of copying that is only faster, and the look whether it has copied all.
            return True
        if number == errno.ESTALE and names.is_object(name):
            # What another node replaced is looked for once more.
            return call in ('open', 'lstat') or call == 'fstat' and seam.before[-1] == 'open'
        return False

    def is_after_the_rename(self, seam):
        """Return whether a write had got its new content in place when the call failed."""
        return 'rename' in seam.before

    def remove_temporaries(self):
        for path in self.temporaries():
            os.unlink(os.path.join(self.root, path))

    def assign(self, module_data):
        self.storage.assign(None, module_data, Stream(NEW))

    def check_fresh(self, module_data, error, seam):
        """An object that was not there is absent until the rename, and there, whole, after it."""
        published = error is None or self.is_after_the_rename(seam)
        self.assertEqual(bool(published), self.storage.available(None, module_data), self.what)
        if published:
            self.assertEqual(NEW, self.get(module_data), self.what)
        self.assign(module_data)
        self.assertEqual(NEW, self.get(module_data), self.what)
        # So that the listings of the root do not grow.
        shutil.rmtree(os.path.dirname(self.path(module_data)))

    def test_an_assign_that_makes_a_shard(self):
        self.for_each_failure(self.new_object, self.assign, self.check_fresh)

    def test_an_assign_in_a_shard_that_is_there(self):
        self.for_each_failure(self.new_object_in_a_shard, self.assign, self.check_fresh)

    def test_an_assign_without_sync(self):
        self.storage = self.make(durable=False)
        self.for_each_failure(self.new_object, self.assign, self.check_fresh)

    def test_an_assign_with_a_marker(self):
        self.storage = self.make(root_id=mark(self.root))
        self.for_each_failure(self.new_object_in_a_shard, self.assign, self.check_fresh)

    def old_object(self):
        module_data = self.new_object('abc')
        self.storage.assign(None, module_data, Stream(OLD))
        return module_data

    def test_an_assign_that_replaces(self):
        def check(module_data, error, seam):
            published = error is None or self.is_after_the_rename(seam)
            self.assertEqual(NEW if published else OLD, self.get(module_data), self.what)
            self.assign(module_data)
            self.assertEqual(NEW, self.get(module_data), self.what)
        self.for_each_failure(self.old_object, self.assign, check)

    def test_a_copy_in_each_way(self):
        source = self.new_object()
        self.storage.assign(None, source, Stream(NEW))

        def copy(module_data):
            with self.storage.get_read_stream(None, source) as stream:
                self.storage.assign(None, module_data, stream)

        def clone(fd, request, other):
            self.assertEqual(0x40049409, request)
            os.write(fd, os.pread(other, 100, 0))
        refuse = OSError(errno.EOPNOTSUPP, 'not here')
        for ioctl, others in ((clone, None), (refuse, None), (refuse, refuse)):
            with mock.patch('fcntl.ioctl', side_effect=ioctl):
                with mock.patch.object(disk, 'copy_file_range',
                                       side_effect=others or disk.copy_file_range):
                    self.for_each_failure(
                        self.new_object_in_a_shard, copy, self.check_fresh)

    def test_a_delete(self):
        def check(module_data, error, seam):
            present = self.storage.available(None, module_data)
            self.assertFalse(error is None and present, self.what)
            if present:
                self.assertEqual(OLD, self.get(module_data), self.what)
            self.storage.delete(None, module_data)
            self.assertFalse(self.storage.available(None, module_data), self.what)
        for durable in (True, False):
            self.storage = self.make(durable=durable)
            self.for_each_failure(
                self.old_object, lambda module_data: self.storage.delete(None, module_data), check)

    def unharmed(self, module_data, error, seam):
        self.assertEqual(OLD, self.get(module_data), self.what)

    def test_the_reads(self):
        self.storage = self.make(root_id=mark(self.root))
        for read in (
                lambda module_data: self.assertTrue(self.storage.available(None, module_data)),
                lambda module_data: self.assertEqual(
                    len(OLD), self.storage.get_size(None, module_data)),
                lambda module_data: self.assertEqual(OLD, self.get(module_data)),
                lambda module_data: self.assertEqual(OLD, self.get_verified(module_data))):
            self.for_each_failure(self.old_object, read, self.unharmed)

    def get_verified(self, module_data):
        with self.make(verify_reads=True).get_read_stream(None, module_data) as stream:
            return stream.read()

    def test_available_of_what_is_missing_never_answers_by_a_failure(self):
        def check(module_data, error, seam):
            pass  # that it was raised, or may be silent, is looked at for each operation
        for settings in ({}, {'root_id': mark(self.root)}):
            self.storage = self.make(**settings)
            self.for_each_failure(
                self.new_object, lambda module_data: self.assertTrue(
                    self.storage.available(None, module_data) is False), check)

    def test_statistics_are_unknown_rather_than_wrong(self):
        self.silent = True
        seen = []

        def check(module_data, error, seam):
            self.assertTrue(error is None or type(error) in INTERRUPTS, self.what)
            if error is None:
                # The close of the marker is nobody's loss.
                known = seam.failed[0] == 'close' and not seam.later
                # A filesystem need not have a number of inodes.
                expected = whole if known else [-1, -1]
                self.assertEqual([number == -1 for number in expected],
                                 [number == -1 for number in seen], self.what)

        def statistics(module_data):
            answer = self.storage.statistics(None)
            seen[:] = [answer['capacity']['total'], answer['inodes']['total']]
        for settings in ({}, {'root_id': mark(self.root)}):
            self.storage = self.make(**settings)
            statistics(None)
            whole = list(seen)
            self.assertTrue(whole[0] > 0)
            self.for_each_failure(self.new_object, statistics, check)

    def test_the_making_of_a_module(self):
        for settings in ({}, {'root_id': mark(self.root)}):
            self.for_each_failure(self.old_object, lambda _: self.make(**settings), self.unharmed)

    def test_the_mark_of_a_root(self):
        def unmark():
            marker = os.path.join(self.root, '.mezeo_fsstore')
            if os.path.exists(marker):
                os.unlink(marker)

        def check(module_data, error, seam):
            self.assertEqual(32, len(mark(self.root)), self.what)
        self.for_each_failure(unmark, lambda _: mark(self.root), check)


class RealFaultsTest(RootTestCase):
    """Faults of the system itself."""

    def assert_refused(self, number, size=1):
        """A put fails with the error, and nothing is there afterwards."""
        before = self.files()
        error = self.raised(EnvironmentError, self.storage.put, None, Stream(content(size)))
        self.assertEqual(number, error.errno)
        self.assertTrue(error.filename.startswith(self.root), error)
        self.assertEqual(before, self.files())

    def test_a_full_disk(self):
        with mounted(self, 'tmpfs', self.root, 'size=4m'):
            module_data = self.put(OLD)
            self.assert_refused(errno.ENOSPC, 5 * 1024 * 1024)
            error = self.raised(EnvironmentError, self.storage.assign, None, module_data,
                                Stream(content(5 * 1024 * 1024)))
            self.assertEqual(errno.ENOSPC, error.errno)
            self.assertEqual(OLD, self.get(module_data))
            self.assertEqual(NEW, self.get(self.put(NEW)))

    def test_no_inodes(self):
        with mounted(self, 'tmpfs', self.root, 'nr_inodes=9'):
            module_data = self.put(OLD)
            while True:
                try:
                    last = self.put(NEW)
                except EnvironmentError as error:
                    self.assertEqual(errno.ENOSPC, error.errno)
                    break
            self.assertEqual(OLD, self.get(module_data))
            # Room for one more makes it work again.
            self.storage.delete(None, last)
            self.storage.assign(None, last, Stream(NEW))
            self.assertEqual(NEW, self.get(last))

    def test_a_volume_that_became_read_only(self):
        with mounted(self, 'tmpfs', self.root, 'size=4m'):
            module_data = self.put(OLD)
            subprocess.check_call(['mount', '-o', 'remount,ro', self.root])
            self.assert_refused(errno.EROFS)
            for call, arguments in ((self.storage.assign, [Stream(NEW)]),
                                    (self.storage.delete, [])):
                error = self.raised(EnvironmentError, call, None, module_data, *arguments)
                self.assertEqual(errno.EROFS, error.errno)
            self.assertEqual(OLD, self.get(module_data))
            subprocess.check_call(['mount', '-o', 'remount,rw', self.root])
            self.storage.assign(None, module_data, Stream(NEW))
            self.assertEqual(NEW, self.get(module_data))

    def test_a_volume_that_is_unmounted_and_mounted_again(self):
        with mounted(self, 'tmpfs', self.root, 'size=4m'):
            self.storage = self.make(root_id=mark(self.root))
            module_data = self.put(OLD)
            subprocess.check_call(['mount', '--bind', self.root, self.root])
            subprocess.check_call(['umount', self.root])
            self.assertEqual(OLD, self.get(module_data))
        for call, arguments in ((self.storage.put, [Stream(NEW)]),
                                (self.storage.available, [module_data]),
                                (self.storage.delete, [module_data])):
            self.raised(StorageUnavailable, call, None, *arguments)
        self.assertEqual([], os.listdir(self.root))

    def in_child(self, program, *arguments, **options):
        """Run `program` with the name `storage` and `root`; it must say what it has seen."""
        status, output, errors = run_python(
            '-c', 'import errno, os, resource, sys\n'
            'from mezeo_fsstore import FilesystemStorage\n'
            'from tests import Stream\n'
            'root = %r\n'
            'storage = FilesystemStorage(root=root)\n%s' % (self.root, program), **options)
        self.assertEqual((0, b''), (status, errors))
        return output.decode('ascii')

    def test_no_descriptor_left(self):
        self.in_child(
            'module_data = storage.put(None, Stream(b"x"))\n'
            'resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n'
            'taken = []\n'
            'while True:\n'
            '    try:\n'
            '        taken.append(os.open(os.devnull, os.O_RDONLY))\n'
            '    except OSError:\n'
            '        break\n'
            'def fails(call, *arguments):\n'
            '    try:\n'
            '        call(None, *arguments)\n'
            '    except EnvironmentError as error:\n'
            '        assert error.errno == errno.EMFILE, error\n'
            '        assert error.filename.startswith(root), error\n'
            '    else:\n'
            '        raise AssertionError(call)\n'
            # One after the other is left, until there are enough.
            'for enough in (0, 1):\n'
            '    fails(storage.assign, module_data, Stream(b"y"))\n'
            '    if not enough:\n'
            '        fails(storage.get_read_stream, module_data)\n'
            '        fails(storage.delete, module_data)\n'
            '    os.close(taken.pop())\n'
            'storage.assign(None, module_data, Stream(b"y"))\n'
            'assert storage.get_read_stream(None, module_data).read() == b"y"\n')
        self.assertEqual(1, len(self.files()))

    @unittest.skipIf(os.geteuid() == 0, 'nothing is forbidden to the superuser')
    def test_no_permission(self):
        module_data = self.put(OLD)
        shard = os.path.dirname(self.path(module_data))
        for folder, calls in (
                (shard, ['assign', 'delete']), (self.root, ['put'])):
            os.chmod(folder, 0o500)
            for name in calls:
                arguments = [Stream(NEW)] if name != 'delete' else []
                arguments = [module_data] * (name != 'put') + arguments
                error = self.raised(EnvironmentError, getattr(self.storage, name), None, *arguments)
                self.assertEqual(errno.EACCES, error.errno)
            self.assertEqual(OLD, self.get(module_data))
            os.chmod(folder, 0o700)
        os.chmod(shard, 0)
        for call in (self.storage.available, self.storage.get_size, self.storage.get_read_stream,
                     self.storage.delete):
            error = self.raised(EnvironmentError, call, None, module_data)
            self.assertEqual(errno.EACCES, error.errno)
        os.chmod(shard, 0o700)

    def test_a_file_that_is_too_large_for_the_process(self):
        self.in_child(
            'import signal\n'
            'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
            'resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n'
            'try:\n'
            '    storage.put(None, Stream(b"x" * 1001))\n'
            'except EnvironmentError as error:\n'
            '    assert error.errno == errno.EFBIG and error.filename.startswith(root), error\n'
            'else:\n'
            '    raise AssertionError\n')
        self.assertEqual([], self.files())


class InjectedTest(RootTestCase):
    """Errors that the kernel itself answers, by `strace --inject`."""

    program = ('import errno, sys\n'
               'from mezeo_fsstore import FilesystemStorage\n'
               'from tests import Stream\n'
               'storage = FilesystemStorage(root=%r)\n'
               'try:\n'
               '    storage.put(None, Stream(b"content"))\n'
               'except EnvironmentError as error:\n'
               '    assert error.filename.startswith(%r), error\n'
               '    sys.stdout.write(errno.errorcode[error.errno])\n')

    def injected(self, call, error, *filters):
        """Put an object while the first such call fails; return the errno that the put raised."""
        try:
            process = subprocess.Popen(
                ('strace', '-qq', '-o', os.devnull, '-e', 'trace=' + call,
                 '-e', 'inject=%s:error=%s:when=1' % (call, error)) + filters
                + (sys.executable, '-c', self.program % (self.root, self.root)),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                # Python itself writes no file then.
                env=environment(PROJECT, PYTHONDONTWRITEBYTECODE='1'))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            self.skipTest('strace can not be run: %s' % error)
        output, errors = process.communicate()
        if b'ptrace' in errors:
            self.skipTest('strace may not trace here: %s' % errors.decode('ascii').strip())
        self.assertEqual((0, b''), (process.returncode, errors))
        return output.decode('ascii')

    def test_the_kernel_fails_each_kind_of_call(self):
        for call, error in (('/^mkdir', 'ENOSPC'), ('fchmod', 'EIO'), ('write', 'ENOSPC'),
                            ('write', 'EDQUOT'), ('fsync', 'EIO'), ('/^rename', 'EIO')):
            self.assertEqual(error, self.injected(call, error))
            self.assertEqual([], self.files())

    def test_the_kernel_fails_the_sync_of_the_root(self):
        self.assertEqual('EIO', self.injected('fsync', 'EIO', '-P', self.root))
        self.assertEqual([], self.files())
