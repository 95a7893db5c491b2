"""`check`: a storage that breaks its word is found, at each step of an object's life.

No filesystem here does that, so the storage is made to.
"""

import errno
import os

from mezeo_fsstore import FilesystemStorage, names
from mezeo_fsstore.compat import ReadStream
from tests import Stream
from tests.command.check_cases import CheckTestCase, failing
from tests.support import mock, path_in, unittest

assign, delete = FilesystemStorage.assign, FilesystemStorage.delete
get_read_stream = FilesystemStorage.get_read_stream


def read_all(stream):
    return b''.join(iter(lambda: stream.read(1000000), b''))


def swallow(storage, context, module_data, stream):
    """An `assign` that hides that the stream fails."""
    try:
        assign(storage, context, module_data, stream)
    except Exception:
        pass


def publish_part(storage, context, module_data, stream):
    """An `assign` that stores what came before the stream failed."""
    parts = []
    try:
        for part in iter(lambda: stream.read(1000000), b''):
            parts.append(part)
    except Exception:
        assign(storage, context, module_data, Stream(b''.join(parts)))
        raise
    assign(storage, context, module_data, Stream(b''.join(parts)))


def write_in_place(storage, context, module_data, stream):
    """An `assign` that changes the file under its readers."""
    content = read_all(stream)
    path = os.path.join(storage._store._root.path, path_in(module_data))
    if not os.path.exists(path):
        assign(storage, context, module_data, Stream(b''))
    with open(path, 'wb') as target:
        target.write(content)


def keep_the_old(storage, context, module_data, stream):
    """An `assign` that never replaces."""
    content = read_all(stream)
    if not storage.available(None, module_data):
        assign(storage, context, module_data, Stream(content))


def lose_the_rest(storage, context, module_data, stream):
    """An `assign` that stores no more than a megabyte."""
    assign(storage, context, module_data, Stream(read_all(stream)[:1000000]))


def copy_zeros(storage, context, module_data, stream):
    """An `assign` that copies the length of an object and none of its bytes."""
    if hasattr(stream, 'fileno'):
        stream = Stream(b'\0' * len(read_all(stream)))
    assign(storage, context, module_data, stream)


def refuse_large(storage, context, module_data, stream):
    content = read_all(stream)
    if len(content) > 1000000:
        raise OSError(errno.EFBIG, 'File too large')
    assign(storage, context, module_data, Stream(content))


def empty_and_delete(storage, context, module_data):
    """A `delete` that takes the content from an open reader."""
    path = os.path.join(storage._store._root.path, path_in(module_data))
    if os.path.exists(path):
        open(path, 'wb').close()
    delete(storage, context, module_data)


def delete_once(storage, context, module_data):
    """A `delete` for which a missing object is an error."""
    storage.get_size(context, module_data)
    delete(storage, context, module_data)


def keep_large(storage, context, module_data):
    if storage.available(None, module_data) and storage.get_size(None, module_data) > 1000000:
        raise OSError(errno.EBUSY, 'Device or resource busy')
    delete(storage, context, module_data)


def read_other_bytes(storage, context, module_data):
    return open(os.devnull, 'rb')


class Unmoved(object):
    """A read stream that does not move where it is told to."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()

    def seek(self, *_):
        pass


BROKEN = [
    ('not there yet', 'available', lambda *_: True),
    ('put 4 KiB', 'assign', failing(errno.EIO)),
    ('there', 'available', lambda *_: False),
    ('there', 'assign', lambda *_: None),
    ('size', 'get_size', lambda *_: 5),
    ('get 4 KiB', 'get_read_stream', read_other_bytes),
    ('get a range', 'get_read_stream', lambda *arguments: Unmoved(get_read_stream(*arguments))),
    ('a writer that fails changes nothing', 'assign', swallow),
    ('a writer that fails changes nothing', 'assign', publish_part),
    ('replace it under a reader', 'assign', write_in_place),
    ('replace it under a reader', 'assign', keep_the_old),
    ('delete it under a reader', 'delete', empty_and_delete),
    ('delete it again', 'delete', delete_once),
    ('gone', 'delete', lambda *_: None),
    ('put 1 MiB', 'assign', refuse_large),
    ('get 1 MiB', 'assign', lose_the_rest),
    ('copy 1 MiB', 'assign', copy_zeros),
    ('delete 1 MiB', 'delete', keep_large)]


class LifeTest(CheckTestCase):

    def test_each_step_finds_the_storage_that_breaks_its_word_and_nothing_stays(self):
        for step, name, broken in BROKEN:
            with mock.patch.object(FilesystemStorage, name, broken):
                report = self.examined()
            self.assertEqual('FAIL', self.verdict(step, report), (step, report))
            self.assertEqual(1, self.status)
            # The steps before it passed, those after it need it.
            durable = report.split('\n\n')[2]
            self.assertTrue(durable.splitlines()[-1].startswith('FAIL  %s ' % step), durable)
            self.assertEqual([names.MARKER], os.listdir(self.root))

    def test_a_copy_is_made_by_the_kernel_where_it_can(self):
        if ReadStream is None:
            raise unittest.SkipTest('on Python 2 the kernel copies nothing')
        copied = []
        original = FilesystemStorage.assign

        def record(storage, context, module_data, stream):
            copied.append(type(stream) is ReadStream)
            original(storage, context, module_data, stream)
        with mock.patch.object(FilesystemStorage, 'assign', record):
            self.examined()
        self.assertTrue(True in copied)
