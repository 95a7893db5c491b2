"""`verify_reads`: the last bytes of a damaged object are never returned, however it is read."""

import errno
import io
import os

from mezeo_fsstore import DamagedObject, StorageError
from tests import content
from tests.support import mock, open_descriptors, set_attribute
from tests.store.test_digests import DigestCase

DATA = b'one\ntwo\n' + content(70000) + b'\nthe end'


def by_read(stream):
    return stream.read()


def by_readall(stream):
    return stream.readall()


def by_chunks(stream, size=1000):
    pieces = []
    while True:
        piece = stream.read(size)
        if not piece:
            return b''.join(pieces)
        pieces.append(piece)


def by_its_size(stream):
    """As a host with the length of the object: it never asks for the end."""
    return b''.join([stream.read(size) for size in (len(DATA) - 5, 5)])


def by_readinto(stream):
    room, pieces = bytearray(999), []
    while True:
        number = stream.readinto(room)
        if not number:
            return b''.join(pieces)
        pieces.append(bytes(room[:number]))


def by_lines(stream):
    return b''.join(stream)


def by_readline(stream):
    return b''.join(iter(stream.readline, b''))


def by_readlines(stream):
    return b''.join(stream.readlines())


def by_a_buffer(stream):
    return io.BufferedReader(stream).read()


def by_the_end_first(stream):
    stream.seek(0, os.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    return stream.read(size)


def with_a_step_back(stream):
    first = stream.read(500)
    stream.seek(100)
    return first[:100] + stream.read()


def with_a_part_read_twice(stream):
    first = stream.read(500)
    stream.seek(0)
    stream.read(100)
    stream.seek(500)
    return first + stream.read()


def with_a_range_first(stream):
    stream.seek(10)
    stream.read(1000)
    stream.seek(0)
    return stream.read()


def with_peeks(stream):
    stream.peek()
    first = stream.read(10)
    stream.peek()
    return first + stream.read(None)


WAYS = (by_read, by_readall, by_chunks, by_its_size, by_readinto, by_lines, by_readline,
        by_readlines, by_a_buffer, by_the_end_first, with_a_step_back, with_a_part_read_twice,
        with_a_range_first, with_peeks)


class VerifiedReadsTest(DigestCase):

    settings = {'verify_reads': 'true'}

    def flip(self, module_data, position):
        with open(self.path(module_data), 'r+b') as target:
            target.seek(position)
            byte = target.read(1)
            target.seek(position)
            target.write(bytes(bytearray([bytearray(byte)[0] ^ 1])))

    def test_a_whole_object_is_read_in_every_way(self):
        module_data = self.put(DATA)
        for way in WAYS:
            with self.storage.get_read_stream(None, module_data) as stream:
                self.assertTrue(DATA == way(stream), way.__name__)

    def test_a_damaged_one_is_never_read_to_its_end(self):
        for position in (0, 40000, len(DATA) - 1):
            module_data = self.put(DATA)
            self.flip(module_data, position)
            for way in WAYS:
                with self.storage.get_read_stream(None, module_data) as stream:
                    error = self.raised(DamagedObject, way, stream)
                    # And not at a second try. (A buffer has closed it.)
                    if not stream.closed:
                        self.raised(DamagedObject, stream.read, 1)
                self.assertTrue(isinstance(error, (StorageError, EnvironmentError)))
                self.assertEqual((errno.EIO, self.path(module_data)),
                                 (error.errno, error.filename), way.__name__)

    def test_one_that_was_cut_or_emptied_is_damaged(self):
        for size in (0, 1, len(DATA) - 1):
            module_data = self.put(DATA)
            with open(self.path(module_data), 'r+b') as target:
                target.truncate(size)
            with self.storage.get_read_stream(None, module_data) as stream:
                self.raised(DamagedObject, stream.read)
            with self.storage.get_read_stream(None, module_data) as stream:
                self.raised(DamagedObject, by_chunks, stream)

    def test_ranges_are_not_verified(self):
        module_data = self.put(DATA)
        self.flip(module_data, 50000)
        with self.storage.get_read_stream(None, module_data) as stream:
            stream.seek(10)
            self.assertEqual(DATA[10:1010], stream.read(1000))
            stream.seek(-5, os.SEEK_END)
            self.assertEqual(DATA[-5:], stream.read())
            self.assertEqual(b'', stream.read())

    def test_a_copy_of_a_damaged_one_stores_nothing(self):
        module_data = self.put(DATA)
        self.flip(module_data, 1)
        before = self.files()
        with self.storage.get_read_stream(None, module_data) as stream:
            self.raised(DamagedObject, self.storage.put, None, stream)
        self.assertEqual(before, self.files())

    def test_an_object_without_a_digest_is_read_as_it_is(self):
        module_data = self.put(DATA)
        set_attribute(self.path(module_data), None)
        self.flip(module_data, 1)
        with self.storage.get_read_stream(None, module_data) as stream:
            self.assertEqual(len(DATA), len(stream.read()))

    def test_it_is_a_file_that_can_be_read_and_moved_in(self):
        with self.storage.get_read_stream(None, self.put(DATA)) as stream:
            self.assertEqual((True, True, False),
                             (stream.readable(), stream.seekable(), stream.writable()))
            for offset, whence, expected in ((100, os.SEEK_SET, 100), (50, os.SEEK_CUR, 150),
                                             (-10, os.SEEK_END, len(DATA) - 10)):
                self.assertEqual(expected, stream.seek(offset, whence))
                self.assertEqual(expected, stream.tell())
            stream.seek(100)
            self.assertEqual(DATA[100:8292], stream.peek())
            self.assertEqual(100, stream.tell())

    def test_once_it_is_closed_its_descriptor_is_too(self):
        before = open_descriptors()
        stream = self.storage.get_read_stream(None, self.put(DATA))
        self.assertEqual(len(before) + 1, len(open_descriptors()))
        stream.close()
        self.assertEqual((before, True), (open_descriptors(), stream.closed))
        self.raised(ValueError, stream.read)
        stream.close()

    def test_the_kernel_can_not_read_past_it(self):
        module_data = self.put(DATA)
        with self.storage.get_read_stream(None, module_data) as stream:
            self.raised(io.UnsupportedOperation, stream.fileno)

    def test_nothing_is_read_is_nothing_proved(self):
        module_data = self.put(b'')
        set_attribute(self.path(module_data), '0' * 64)
        with self.storage.get_read_stream(None, module_data) as stream:
            self.assertEqual(b'', stream.read(0))
            self.raised(DamagedObject, stream.read, 1)

    def test_a_stream_that_can_not_be_verified_leaves_no_descriptor(self):
        module_data = self.put(DATA)
        with mock.patch('mezeo_fsstore.disk.get_attribute', side_effect=OSError(errno.EIO, 'x')):
            error = self.raised(EnvironmentError, self.storage.get_read_stream, None, module_data)
        self.assertEqual((errno.EIO, self.path(module_data)), (error.errno, error.filename))

    def test_it_is_off_unless_it_is_asked_for(self):
        module_data = self.put(DATA)
        self.flip(module_data, 1)
        with self.make(verify_reads=False).get_read_stream(None, module_data) as stream:
            self.assertEqual(len(DATA), len(stream.read()))
            self.assertTrue(stream.fileno() > 2)
