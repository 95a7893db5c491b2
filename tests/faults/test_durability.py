"""What reaches the disk, in which order, and what is left when a call fails."""

import errno
import os
import stat

from mezeo_fsstore import disk
from tests import Stream, StreamError
from tests.faults.system_calls import Failing, Recording
from tests.support import RootTestCase, mock

CHANGES = ('create', 'set_mode', 'write_all', 'set_digest', 'sync', 'close', 'rename', 'link',
           'remove', 'make_directory', 'sync_directory')


class OrderTest(RootTestCase):
    """The calls that change the disk, in order."""

    def recorded(self, call, *arguments):
        """Return (name, path) of each call in `disk` that changes it, paths relative to root."""
        calls = []
        patches = [mock.patch.object(disk, name, self.recorder(name, calls)) for name in CHANGES]
        for patch in patches:
            patch.start()
        try:
            call(*arguments)
        finally:
            for patch in patches:
                patch.stop()
        return calls

    def recorder(self, name, calls):
        original = getattr(disk, name)

        def record(*arguments):
            path = [argument for argument in arguments if isinstance(argument, str)][-1]
            calls.append((name, os.path.relpath(path, self.root)))
            return original(*arguments)
        return record

    def assign(self, module_data):
        return self.recorded(self.storage.assign, None, module_data, Stream(b'content', most=4))

    def writing(self, calls, final, *late):
        """Return what must be done to write and publish `final`, with the temporary of `calls`."""
        temporary = [path for name, path in calls if name == 'create'][0]
        self.assertEqual(os.path.dirname(final), os.path.dirname(temporary))
        prefix, middle, suffix = os.path.basename(temporary).split('.')
        self.assertEqual(('', os.path.basename(final)), (prefix, middle))
        self.assertEqual(16, len(suffix))
        names = ('create', 'set_mode', 'write_all', 'write_all') + late + ('sync', 'close')
        return [(name, temporary) for name in names] + [
            ('rename', final), ('sync_directory', os.path.dirname(final))]

    def test_a_first_write_syncs_the_root_before_and_the_shard_after_the_rename(self):
        module_data = self.storage.new_data(None)
        calls = self.assign(module_data)
        final = os.path.relpath(self.path(module_data), self.root)
        shard = os.path.dirname(final)
        self.assertEqual(
            [('make_directory', shard), ('set_mode', shard), ('sync_directory', '.'),
             ('set_mode', shard)] + self.writing(calls, final, 'set_digest'), calls)

    def test_a_write_into_a_shard_that_is_there_does_not_sync_the_root(self):
        module_data = self.put()
        calls = self.assign(module_data)
        final = os.path.relpath(self.path(module_data), self.root)
        self.assertEqual(self.writing(calls, final, 'set_digest'), calls)

    def test_a_file_that_its_owner_may_not_write_gets_its_mode_after_the_digest(self):
        module_data = self.put()
        self.storage = self.make(file_mode='0400')
        calls = self.assign(module_data)
        final = os.path.relpath(self.path(module_data), self.root)
        self.assertEqual(self.writing(calls, final, 'set_digest', 'set_mode'), calls)

    def test_a_shard_whose_maker_died_before_the_sync_is_synced_by_the_next_writer(self):
        module_data = self.storage.new_data(None)
        shard = os.path.dirname(self.path(module_data))
        with mock.patch.object(disk, 'sync_directory', side_effect=KeyboardInterrupt):
            self.raised(KeyboardInterrupt, self.storage.assign, None, module_data, Stream(b''))
        self.assertTrue(os.path.isdir(shard))
        self.assertEqual(('sync_directory', '.'), self.assign(module_data)[0])
        self.assertEqual(0o700, stat.S_IMODE(os.stat(shard).st_mode))
        self.assertFalse(('sync_directory', '.') in self.assign(module_data))

    def test_whoever_makes_a_shard_syncs_the_root_also_where_its_mark_is_not_kept(self):
        original = os.mkdir
        with mock.patch('os.mkdir', lambda path, mode: original(path, mode & 0o777)):
            with mock.patch('os.fchmod'):
                self.assertTrue(('sync_directory', '.') in self.assign(self.storage.new_data(None)))

    def test_a_shard_of_another_user_is_synced_though_its_mark_can_not_be_taken(self):
        module_data = self.put()
        os.chmod(os.path.dirname(self.path(module_data)), 0o1700)
        with mock.patch('os.fchmod', side_effect=[OSError(errno.EPERM, 'not the owner'), None]):
            self.assertTrue(('sync_directory', '.') in self.assign(module_data))

    def test_a_delete_syncs_the_shard(self):
        module_data = self.put()
        final = os.path.relpath(self.path(module_data), self.root)
        delete = [('remove', final), ('sync_directory', os.path.dirname(final))]
        self.assertEqual(delete, self.recorded(self.storage.delete, None, module_data))
        # Whoever deleted it before may have died between the two.
        self.assertEqual(delete, self.recorded(self.storage.delete, None, module_data))

    def test_without_durable_the_order_is_the_same_and_nothing_is_synced(self):
        self.storage = self.make(durable=False)
        module_data = self.storage.new_data(None)
        with mock.patch('os.fsync') as fsync:
            calls = self.assign(module_data)
            final = os.path.relpath(self.path(module_data), self.root)
            shard = os.path.dirname(final)
            self.assertEqual(
                [('make_directory', shard), ('set_mode', shard)]
                + [call for call in self.writing(calls, final) if not call[0].startswith('sync')],
                calls)
            self.assertEqual([('remove', final)],
                             self.recorded(self.storage.delete, None, module_data))
        self.assertFalse(fsync.called)

    def test_nothing_is_visible_before_the_rename(self):
        module_data = self.storage.new_data(None)
        original, seen = os.rename, []

        def rename(source, target):
            seen.append(self.storage.available(None, module_data))
            original(source, target)
            seen.append(self.storage.available(None, module_data))

        with mock.patch('os.rename', rename):
            self.storage.assign(None, module_data, Stream(b'content'))
        self.assertEqual([False, True], seen)


class FailureTest(RootTestCase):
    """A call to the system fails once: the error says where, and nothing else has happened."""

    def fail_once(self, name, number, where=lambda *arguments: True):
        """Let the first call `name` with arguments that fit `where` fail."""
        return Failing(number, fits=lambda called, arguments: called == name and where(*arguments))

    def test_a_directory_that_fails_to_sync_is_an_error_and_takes_nothing_back(self):
        for number in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
            module_data = self.storage.new_data(None)
            os.mkdir(os.path.dirname(self.path(module_data)))
            with self.fail_once('fsync', number, lambda fd: not is_file(fd)):
                error = self.assign_fails(module_data, b'new')
            self.assertEqual((number, os.path.dirname(self.path(module_data))),
                             (error.errno, error.filename))
            self.assertEqual(b'new', self.get(module_data))
            self.forget(module_data)

    def test_a_directory_that_fails_to_sync_never_costs_an_object_that_was_replaced(self):
        module_data = self.put(b'old')
        with self.fail_once('fsync', errno.EIO, lambda fd: not is_file(fd)):
            self.assign_fails(module_data, b'new')
        self.assertEqual(b'new', self.get(module_data))

    def test_a_directory_that_fails_to_sync_never_costs_what_another_has_stored_meanwhile(self):
        module_data = self.storage.new_data(None)
        os.mkdir(os.path.dirname(self.path(module_data)))
        original = os.fsync

        def fsync(fd):
            if not is_file(fd):
                os.fsync = original
                self.make().assign(None, module_data, Stream(b'acknowledged'))
                raise OSError(errno.EIO, 'broken')
            original(fd)
        try:
            os.fsync = fsync
            self.assign_fails(module_data, b'new')
        finally:
            os.fsync = original
        self.assertEqual(b'acknowledged', self.get(module_data))

    def forget(self, module_data):
        """Remove the object and its shard: the next one may be of the same shard."""
        os.unlink(self.path(module_data))
        os.rmdir(os.path.dirname(self.path(module_data)))

    def test_what_another_stored_just_before_the_rename_is_never_taken_back(self):
        # This writer may have seen that there was none, and would remove its own again; but the
        # other's was acknowledged.
        module_data = self.storage.new_data(None)
        os.mkdir(os.path.dirname(self.path(module_data)))
        original = os.rename

        def rename(source, target):
            os.rename = original
            self.make().assign(None, module_data, Stream(b'acknowledged'))
            original(source, target)
        try:
            os.rename = rename
            with self.fail_once('fsync', errno.EIO, lambda fd: not is_file(fd) and renamed()):
                def renamed():
                    return os.rename is original and self.get(module_data) == b'new'
                self.assign_fails(module_data, b'new')
        finally:
            os.rename = original
        self.assertEqual(b'new', self.get(module_data))

    def test_what_another_stores_at_any_call_after_the_rename_is_never_taken_back(self):
        class Late(Failing):
            """After each call that follows the failure the other has stored it once more."""

            def interpose(late, name, original, arguments):
                if late.failed and name in ('lstat', 'stat', 'unlink', 'fstat'):
                    os.rename(other, final)
                    write_file(other, b'acknowledged')
                return super(Late, late).interpose(name, original, arguments)
        module_data = self.storage.new_data(None)
        final, other = self.path(module_data), os.path.join(self.folder, 'other')
        os.mkdir(os.path.dirname(final))
        write_file(other, b'acknowledged')
        with Late(errno.EIO, fits=lambda name, arguments: (
                name == 'fsync' and not is_file(arguments[0]))):
            self.assign_fails(module_data, b'new')
        self.assertTrue(self.get(module_data) in (b'new', b'acknowledged'))

    def test_an_interrupt_of_the_last_sync_leaves_the_new_object_whole(self):
        module_data = self.put()
        self.storage.delete(None, module_data)
        with mock.patch('os.fsync', side_effect=[None, KeyboardInterrupt]):
            self.raised(KeyboardInterrupt, self.storage.assign, None, module_data, Stream(b'new'))
        self.assertEqual(b'new', self.get(module_data))

    def test_a_file_that_was_made_though_the_call_failed_is_removed(self):
        for error, kind in ((KeyboardInterrupt(), KeyboardInterrupt),
                            (OSError(errno.ETIMEDOUT, 'no reply'), EnvironmentError)):
            with mock.patch.object(disk, 'os', MakesAndFails(error)):
                self.raised(kind, self.put)
            self.assertEqual([], self.files())

    def test_a_file_that_lies_where_the_temporary_should_be_is_not_ours_to_remove(self):
        module_data = self.put()
        theirs = self.path(module_data) + '.theirs'
        write_file(theirs, b'theirs')
        with mock.patch('mezeo_fsstore.names.temporary_of', return_value=theirs):
            error = self.assign_fails(module_data, b'new')
        self.assertEqual((errno.EEXIST, theirs), (error.errno, error.filename))
        with open(theirs, 'rb') as stream:
            self.assertEqual(b'theirs', stream.read())
        self.assertEqual(b'content', self.get(module_data))

    def test_a_file_that_is_given_up_is_closed_before_it_is_removed(self):
        # NFS keeps a file that is removed while it is open, under another name.
        module_data = self.put()
        with mock.patch('os.write', side_effect=OSError(errno.ENOSPC, 'full')):
            with Recording(failures=True) as seam:
                self.assign_fails(module_data, b'new')
        self.assertEqual(['close', 'unlink', 'close'], [name for name, _, _ in seam.calls][-3:])

    def test_an_error_that_has_a_path_keeps_it(self):
        with mock.patch('os.rename', side_effect=OSError(errno.EIO, 'broken', '/its/path')):
            error = self.raised(EnvironmentError, self.put)
        self.assertEqual('/its/path', error.filename)

    def test_a_root_that_fails_to_sync_leaves_no_object(self):
        module_data = self.storage.new_data(None)
        with self.fail_once('fsync', errno.EIO):
            error = self.assign_fails(module_data, b'new')
        self.assertEqual((errno.EIO, self.root), (error.errno, error.filename))
        self.assertEqual([], self.files())

    def assign_fails(self, module_data, content):
        return self.raised(EnvironmentError, self.storage.assign, None, module_data,
                           Stream(content))

    def test_a_failed_sync_is_never_tried_again(self):
        with mock.patch('os.fsync', side_effect=OSError(errno.EIO, 'broken')) as fsync:
            error = self.raised(EnvironmentError, self.put)
        self.assertEqual((errno.EIO, 1), (error.errno, fsync.call_count))

    def test_a_filesystem_without_sync_of_directories_is_no_error(self):
        for number in (errno.EINVAL, errno.ENOTSUP):
            original = os.fsync

            def fsync(fd):
                if not is_file(fd):
                    raise OSError(number, os.strerror(number))
                original(fd)
            with mock.patch('os.fsync', fsync):
                module_data = self.put()
                self.assertEqual(b'content', self.get(module_data))
                self.storage.delete(None, module_data)

    def test_a_file_that_can_not_be_synced_is_an_error(self):
        with self.fail_once('fsync', errno.EINVAL, is_file):
            self.assertEqual(errno.EINVAL, self.raised(EnvironmentError, self.put).errno)
        self.assertEqual([], self.files())

    def test_a_short_write_is_no_success(self):
        original = os.write
        with mock.patch('os.write', lambda fd, data: original(fd, data[:3])):
            self.assertEqual(b'content', self.get(self.put(b'content')))

    def test_a_disk_that_takes_nothing_is_an_error_and_no_endless_loop(self):
        with mock.patch('os.write', return_value=0):
            error = self.raised(EnvironmentError, self.put)
        self.assertEqual(errno.EIO, error.errno)
        self.assertTrue(error.filename.startswith(self.root))
        self.assertEqual([], self.files())

    def test_an_interrupt_leaves_nothing(self):
        for name in ('write', 'fsync', 'rename'):
            with mock.patch('os.' + name, side_effect=KeyboardInterrupt):
                self.raised(KeyboardInterrupt, self.put)
            self.assertEqual([], self.files())

    def test_a_shard_that_another_makes_at_the_same_moment_is_as_good(self):
        original = os.mkdir

        def mkdir(path, mode):
            original(path, mode)
            original(path, mode)
        with mock.patch('os.mkdir', mkdir):
            self.assertEqual(b'content', self.get(self.put()))

    def test_a_file_that_another_node_replaced_is_looked_for_once_more(self):
        module_data = self.put()

        def is_of_the_object(what, *_):
            # Of the shard, too, it is asked whether it is a link.
            return isinstance(what, int) or what == self.path(module_data)
        for call, name, expected in (
                (self.get, 'open', b'content'), (self.get, 'fstat', b'content'),
                (lambda module_data: self.storage.get_size(None, module_data), 'lstat', 7),
                (lambda module_data: self.storage.available(None, module_data), 'lstat', True)):
            with self.fail_once(name, errno.ESTALE, is_of_the_object):
                self.assertEqual(expected, call(module_data))
            looks, original = [], getattr(os, name)

            def stale(*arguments):
                if not is_of_the_object(*arguments):
                    return original(*arguments)
                looks.append(arguments)
                raise OSError(errno.ESTALE, 'stale')
            with mock.patch('os.' + name, stale):
                error = self.raised(EnvironmentError, call, module_data)
            self.assertEqual((errno.ESTALE, 2), (error.errno, len(looks)))

    def test_a_reader_that_can_not_be_made_leaves_no_descriptor(self):
        module_data = self.put()
        for name in ('os.fstat', 'mezeo_fsstore.disk.open_stream'):
            with mock.patch(name, side_effect=OSError(errno.ENOMEM, 'no memory')):
                error = self.raised(EnvironmentError, self.storage.get_read_stream, None,
                                    module_data)
            self.assertEqual(self.path(module_data), error.filename)


class StreamTest(RootTestCase):
    """Streams that are not what the contract asks for."""

    def test_a_stream_without_read_is_refused_before_anything_is_made(self):
        for bad in (None, 5, b'content', object(), mock.Mock(read=5)):
            error = self.raised(TypeError, self.storage.put, None, bad)
            self.assertTrue('read(size)' in str(error) and type(bad).__name__ in str(error))
        self.assertEqual([], os.listdir(self.root))

    def test_a_stream_that_returns_no_bytes_is_refused_and_nothing_stays(self):
        for bad, name in ((u'text', type(u'').__name__), (u'', type(u'').__name__),
                          (None, 'NoneType'), (5, 'int'), ([], 'list')):
            module_data = self.put(b'old')
            for read in ([bad], [b'some', bad]):
                stream = mock.Mock(read=mock.Mock(side_effect=read))
                error = self.raised(TypeError, self.storage.assign, None, module_data, stream)
                self.assertTrue('bytes' in str(error) and name in str(error), str(error))
                self.assertEqual(b'old', self.get(module_data))
                self.assertEqual([], self.temporaries())

    def test_a_stream_of_bytearrays_is_as_good(self):
        stream = mock.Mock(read=mock.Mock(side_effect=[bytearray(b'ab'), bytearray(b'c'), b'']))
        self.assertEqual(b'abc', self.get(self.storage.put(None, stream)))

    def test_the_error_of_a_stream_goes_on_as_it_is(self):
        error = self.raised(StreamError, self.storage.put, None, Stream(b'x' * 10, 4, StreamError))
        self.assertEqual('the stream broke', str(error))
        lost = EnvironmentError(errno.ECONNRESET, 'the client has gone')
        stream = mock.Mock(read=mock.Mock(side_effect=[b'x', lost]))
        error = self.raised(EnvironmentError, self.storage.put, None, stream)
        self.assertTrue(error is lost and error.filename is None)
        self.assertEqual([], self.files())

    def test_a_stop_iteration_of_a_stream_is_an_error_and_no_end(self):
        stream = mock.Mock(read=mock.Mock(side_effect=[b'a part', StopIteration('by mistake')]))
        error = self.raised(StopIteration, self.storage.put, None, stream)
        self.assertEqual('by mistake', str(error))
        self.assertEqual([], self.files())

    def test_nothing_is_asked_of_a_stream_but_read_with_a_size(self):
        stream = mock.Mock(read=mock.Mock(side_effect=[b'content', b'']))
        self.storage.put(None, stream)
        self.assertTrue(all(name == 'read' for name, _, _ in stream.mock_calls))
        for call in stream.read.call_args_list:
            self.assertEqual(((256 * 1024,), {}), tuple(call))


class MakesAndFails(object):
    """Stands where `disk` looks for `os`: a file is made, and then the error is raised."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, path, flags, mode=0o777):
        fd = os.open(path, flags, mode)
        if flags & os.O_CREAT:
            os.close(fd)
            raise self._error
        return fd


def write_file(path, content):
    with open(path, 'wb') as target:
        target.write(content)


def is_file(fd):
    return stat.S_ISREG(os.fstat(fd).st_mode)
