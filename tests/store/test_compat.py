"""What a Python lacks is made up for, and what it has is used as it is.

What is for Python 2 runs here on every Python, so a mistake shows where there is no Python 2.
"""

import ctypes
import errno
import os
import sys

import modules
from mezeo_fsstore import compat
from tests.support import (
    RootTestCase, get_attribute, keeps_attributes, mock, set_attribute, unittest)

PYTHON_2 = (2, 7, 18, 'final', 0)


class Text(object):
    """The `unicode` of Python 2."""

    def encode(self, encoding, errors='strict'):
        return u'\xe4'.encode(encoding, errors)


class Integer(object):
    """The `long` of Python 2."""


def buffer_of(data, offset, size):
    """The `buffer` of Python 2."""
    return memoryview(data)[offset:offset + size].tobytes()


class Lacking(object):
    """The module `os` of a Python that does not have some names."""

    def __init__(self, missing):
        self._missing = missing

    def __getattr__(self, name):
        if name in self._missing:
            raise AttributeError(name)
        return getattr(os, name)


def compat_of(version=sys.version_info, platform='linux', missing=(), **modules):
    """Return `compat` as a Python of that version has it, whose `os` lacks the names `missing`."""
    path = os.path.splitext(compat.__file__)[0] + '.py'
    with open(path, 'rb') as source:
        code = compile(source.read(), path, 'exec')
    names = {'__name__': 'compat', 'unicode': Text, 'long': Integer, 'buffer': buffer_of}
    with mock.patch.object(sys, 'version_info', version):
        with mock.patch.object(sys, 'platform', platform):
            with mock.patch.dict(sys.modules, dict(modules, os=Lacking(missing))):
                exec(code, names)
    return mock.Mock(spec=list(names), **names)


class LackingTest(unittest.TestCase):

    def assert_unsupported(self, call):
        with self.assertRaises(OSError) as caught:
            call(1, 2, 3)
        self.assertEqual((errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP)),
                         (caught.exception.errno, caught.exception.strerror))

    @unittest.skipIf(sys.version_info[0] == 2, 'Python 2 has none of these calls')
    def test_a_call_that_python_lacks_is_not_supported(self):
        for name, call in (('copy_file_range', 'copy_file_range'), ('setxattr', 'set_attribute'),
                           ('getxattr', 'get_attribute')):
            self.assert_unsupported(getattr(compat_of(missing=[name]), call))

    @unittest.skipIf(sys.version_info[0] == 2, 'Python 2 has none of these calls')
    def test_a_call_that_python_has_is_used_as_it_is(self):
        for name, call in (('copy_file_range', 'copy_file_range'), ('setxattr', 'set_attribute'),
                           ('getxattr', 'get_attribute'), ('sendfile', 'sendfile')):
            if hasattr(os, name):
                self.assertTrue(getattr(compat, call) is getattr(os, name), call)

    @unittest.skipIf(sys.version_info[0] == 2, 'Python 2 has no such call')
    def test_the_disk_is_set_about_a_part_of_a_file_by_the_advice_that_it_is_not_needed(self):
        with mock.patch('os.posix_fadvise') as advise:
            compat.forget_pages(5, 1000, 200)
        dont_need = getattr(os, 'POSIX_FADV_DONTNEED')
        advise.assert_called_once_with(5, 1000, 200, dont_need)

    @unittest.skipIf(sys.version_info[0] == 2, 'what Python 2 has instead is tested below')
    def test_a_part_of_a_room_is_no_copy(self):
        room = bytearray(b'abcdef')
        part = compat.part_of(room, 3)
        room[0] = ord('x')
        self.assertEqual(b'xbc', bytes(part))

    def test_a_flag_that_python_does_not_name_is_that_of_linux(self):
        self.assertEqual(0o10000000, compat_of(missing=['O_PATH']).O_PATH)
        if hasattr(os, 'O_PATH'):
            self.assertEqual(getattr(os, 'O_PATH'), compat.O_PATH)
        with mock.patch.object(os, 'O_PATH', 12345, create=True):
            self.assertEqual(12345, compat_of().O_PATH)

    @unittest.skipIf(sys.version_info[0] == 2, 'Python 2 has another way')
    def test_an_interrupt_is_no_matter_of_the_locale(self):
        for interrupt in (KeyboardInterrupt, MemoryError):
            with mock.patch('os.fsencode', side_effect=interrupt):
                self.assertRaises(interrupt, compat.native_path, '/path')

    @unittest.skipIf(sys.version_info[0] == 2, 'Python 2 has it from the system')
    def test_a_system_without_the_flag_for_children_has_none(self):
        self.assertEqual(0, compat_of(missing=['O_CLOEXEC']).O_CLOEXEC)
        self.assertEqual(getattr(os, 'O_CLOEXEC'), compat.O_CLOEXEC)


class PlatformTest(unittest.TestCase):

    def importing(self, error):
        return mock.patch('%s.__import__' % ('__builtin__' if str is bytes else 'builtins'),
                          side_effect=error)

    def test_the_base_class_is_that_of_the_platform(self):
        self.assertTrue(compat.platform_base() is modules.StorageModule)

    def test_without_a_platform_it_is_object(self):
        for words in ("No module named 'modules'", 'No module named modules'):
            with self.importing(ImportError(words)):
                self.assertTrue(compat.platform_base() is object)

    def test_what_fails_inside_of_the_platform_is_raised(self):
        for error in (ImportError('No module named other'),
                      ImportError("cannot import name 'StorageModule'"),
                      SyntaxError('No module named modules'),
                      KeyboardInterrupt('No module named modules')):
            with self.importing(error):
                with self.assertRaises(type(error)) as caught:
                    compat.platform_base()
            self.assertTrue(caught.exception is error)


class Python2Test(RootTestCase):

    def setUp(self):
        super(Python2Test, self).setUp()
        self.compat = compat_of(PYTHON_2)
        self.file = os.path.join(self.folder, 'file')
        with open(self.file, 'wb') as target:
            target.write(b'one\r\ntwo')

    def test_it_has_two_kinds_of_text_and_of_integers(self):
        self.assertEqual((str, Text), self.compat.text_types)
        self.assertEqual((int, Integer), self.compat.integer_types)

    def test_the_flag_for_children_is_that_of_linux_and_there_only(self):
        for platform, flag in (('linux2', 0o2000000), ('linux', 0o2000000), ('darwin', 0)):
            self.assertEqual(flag, compat_of(PYTHON_2, platform).O_CLOEXEC)

    def test_no_stream_is_ours_and_the_kernel_copies_nothing(self):
        self.assertTrue(self.compat.ReadStream is None)
        for call in (self.compat.copy_file_range, self.compat.sendfile):
            self.assertEqual(errno.EOPNOTSUPP, self.raised(OSError, call, 1, 2, 3).errno)

    def test_a_stream_is_a_binary_file_that_owns_its_descriptor(self):
        fd = os.open(self.file, os.O_RDONLY)
        with self.compat.open_stream(fd) as stream:
            self.assertEqual((fd, b'one\r\ntwo'), (stream.fileno(), stream.read()))

    def test_text_is_encoded_and_bytes_go_out_as_they_are(self):
        # `str` has the place of the bytes of Python 2.
        for line_buffering, flushed in ((False, []), (True, [mock.call.flush()])):
            buffer = mock.Mock()
            output = self.compat.TextOutput(buffer, 'utf-8', 'strict', line_buffering)
            self.assertEqual((buffer, 'utf-8'), (output.buffer, output.encoding))
            for name in ('flush', 'fileno', 'isatty'):
                self.assertTrue(getattr(output, name) is getattr(buffer, name))
            output.write('as it is')
            output.write(Text())
            self.assertEqual([mock.call.write('as it is')] + flushed
                             + [mock.call.write(b'\xc3\xa4')] + flushed, buffer.mock_calls)
        output = self.compat.TextOutput(buffer, 'ascii', 'backslashreplace', False)
        output.write(Text())
        buffer.write.assert_called_with(b'\\xe4')

    def test_a_path_is_what_the_system_gets_and_text_is_utf_8_in_any_locale(self):
        self.assertEqual('/path', self.compat.native_path('/path'))
        self.assertEqual(b'\xc3\xa4', self.compat.native_path(Text()))

    def test_names_and_hexadecimal_digits(self):
        entries = dict((entry.name, entry) for entry in self.compat.iterate_entries(self.folder))
        self.assertEqual(['file', 'root'], sorted(entries))
        self.assertEqual(os.lstat(self.file), entries['file'].stat(follow_symlinks=False))
        self.assertEqual(b'00ff', self.compat.hexadecimal(b'\x00\xff'))

    def test_attributes_are_those_of_the_system(self):
        if not keeps_attributes(self.folder):
            self.skipTest('no user attributes here, or no getfattr and setfattr (package attr)')
        with open(self.file, 'r+b') as stream:
            for value in (b'a value', b'another', b''):
                self.compat.set_attribute(stream.fileno(), b'user.other', value)
                self.assertEqual(value.decode('ascii'), get_attribute(self.file, 'user.other'))
            set_attribute(self.file, 'x' * 1000, 'user.other')
            self.assertEqual(b'x' * 1000, self.compat.get_attribute(
                stream.fileno(), b'user.other'))
            for call, arguments, number in (
                    (self.compat.get_attribute, [stream.fileno(), b'user.missing'], errno.ENODATA),
                    (self.compat.get_attribute, [9999, b'user.other'], errno.EBADF),
                    (self.compat.set_attribute, [9999, b'user.other', b''], errno.EBADF)):
                error = self.raised(OSError, call, *arguments)
                self.assertEqual((number, os.strerror(number)), (error.errno, error.strerror))

    @unittest.skipIf(str is bytes, 'Python 2 encodes it')
    def test_text_is_refused_where_the_system_takes_bytes(self):
        with open(self.file, 'r+b') as stream:
            for call, more in ((self.compat.set_attribute, [b'']), (self.compat.get_attribute, [])):
                self.assertRaises(ctypes.ArgumentError, call, stream.fileno(), u'user.other', *more)

    def test_an_attribute_is_read_into_four_kibibytes(self):
        room = []

        def read(fd, name, buffer, size):
            room.append((len(buffer), size))
            return 0
        with mock.patch.dict(self.compat.get_attribute.__globals__, {'_fgetxattr': read}):
            self.assertEqual(b'', self.compat.get_attribute(5, b'user.other'))
        self.assertEqual([(4096, 4096)], room)

    def test_pages_are_forgotten_by_the_system_s_call(self):
        advise = mock.Mock()
        with mock.patch.dict(self.compat.forget_pages.__globals__, {'_fadvise': advise}):
            self.compat.forget_pages(5, 2 ** 40, 2 ** 33)
        (fd, offset, size, advice), = [call[0] for call in advise.call_args_list]
        # 4 is POSIX_FADV_DONTNEED of Linux.
        self.assertEqual((5, 2 ** 40, 2 ** 33, 4), (fd, offset.value, size.value, advice))

    def test_a_part_of_a_room_is_its_first_bytes(self):
        self.assertEqual(b'abc', bytes(self.compat.part_of(b'abcdef', 3)))

    def test_without_ctypes_there_are_no_attributes(self):
        # Under SELinux in mod_wsgi it is a MemoryError; a libc may not have the calls.
        for error in (ImportError, OSError, MemoryError, AttributeError):
            lacking = compat_of(PYTHON_2, ctypes=mock.Mock(CDLL=mock.Mock(side_effect=error)))
            for call in (lacking.get_attribute, lacking.set_attribute, lacking.forget_pages):
                self.assertEqual(errno.EOPNOTSUPP, self.raised(OSError, call, 1, b'x', b'').errno)

    def test_what_else_ends_the_import_of_ctypes_is_not_hidden(self):
        for error in (KeyboardInterrupt, RuntimeError):
            broken = mock.Mock(CDLL=mock.Mock(side_effect=error))
            self.raised(error, lambda: compat_of(PYTHON_2, ctypes=broken))

    def test_the_system_s_library_is_not_searched_for(self):
        # That would start processes.
        library = mock.Mock(wraps=ctypes)
        compat_of(PYTHON_2, ctypes=library)
        library.CDLL.assert_called_once_with(None, use_errno=True)
