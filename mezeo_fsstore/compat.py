"""The differences between the Pythons, in one file: 2.6, 2.7, and 3.6 to the newest."""

import binascii
import errno
import os
import sys

# Linux has had it since 2.6.39; Python 2 and 3.6 to 3.9 do not name it.
O_PATH = getattr(os, 'O_PATH', 0o10000000)


def platform_base():
    """Return the platform's `StorageModule`, or `object` where there is no module `modules`.

    So the administrator's command needs no platform. An error inside `modules` is raised.
    """
    try:
        from modules import StorageModule
    except ImportError as error:
        # The exact message of a missing module. Only Python 3 puts the name in quotes.
        if str(error).replace("'", '') != 'No module named modules':
            raise
        return object
    return StorageModule


def _unsupported(*_):
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


if sys.version_info[0] == 2:
    text_types = (str, unicode)  # noqa: F821 (a name of Python 2)
    integer_types = (int, long)  # noqa: F821 (a name of Python 2)

    # Linux has had the flag since 2.6.23, Python 2 never named it. Setting it after the open
    # would leave a moment in which a child forked by another thread inherits the descriptor.
    O_CLOEXEC = 0o2000000 if sys.platform.startswith('linux') else 0

    hexadecimal = binascii.hexlify

    try:
        import ctypes
        # Not `find_library`, which starts processes.
        _libc = ctypes.CDLL(None, use_errno=True)
        _fsetxattr, _fgetxattr = _libc.fsetxattr, _libc.fgetxattr
    except (ImportError, OSError, AttributeError, MemoryError):
        # MemoryError: under SELinux a server process may not make the memory that ctypes needs.
        set_attribute = get_attribute = forget_pages = _unsupported
    else:
        _fsetxattr.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t,
                               ctypes.c_int]
        _fgetxattr.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
        _fgetxattr.restype = ctypes.c_long
        _fadvise = getattr(_libc, 'posix_fadvise64', _unsupported)  # not in every C library

        def _checked(result):
            if result < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            return result

        def set_attribute(fd, name, value):
            """Set the extended attribute `name` of the file behind `fd`. Both are byte strings."""
            _checked(_fsetxattr(fd, name, value, len(value), 0))

        def get_attribute(fd, name):
            """Return the extended attribute `name` of the file behind `fd`, at most 4 KiB."""
            room = ctypes.create_string_buffer(4096)
            size = _checked(_fgetxattr(fd, name, room, len(room)))
            return room.raw[:size]

        def forget_pages(fd, offset, size):
            """Ask the system to drop `size` bytes from `offset` on from its cache; 0: to the end.

            It does not wait. What is not on the disk yet stays, and the system begins to write it.
            """
            _fadvise(fd, ctypes.c_int64(offset), ctypes.c_int64(size), 4)

    def part_of(room, size):
        """Return the first `size` bytes of an `mmap`, without a copy."""
        return buffer(room, 0, size)  # noqa: F821 (a name of Python 2)

    # Python 2 can not make a subclass of `file` from a descriptor, so no stream is known as ours.
    ReadStream = None
    copy_file_range = sendfile = _unsupported

    def open_stream(fd):
        """Return a binary file object that reads from `fd`. Its `close` closes that."""
        return os.fdopen(fd, 'rb')

    class TextOutput(object):
        """A text file over `buffer`, a buffered binary file, like io.TextIOWrapper.

        It takes both kinds of string. `unicode` is encoded, bytes are written as they are.
        """

        def __init__(self, buffer, encoding, errors, line_buffering):
            self.buffer, self.encoding = buffer, encoding
            self._errors, self._line_buffering = errors, line_buffering
            self.flush, self.fileno, self.isatty = buffer.flush, buffer.fileno, buffer.isatty

        def write(self, text):
            """Write `text`; with `line_buffering` it is flushed at once."""
            if not isinstance(text, str):
                text = text.encode(self.encoding, self._errors)
            self.buffer.write(text)
            if self._line_buffering:
                self.flush()

    class _Entry(object):
        """The part of `os.DirEntry` that we use."""

        def __init__(self, path, name):
            self._path, self.name = path, name

        def stat(self, follow_symlinks):
            return os.lstat(os.path.join(self._path, self.name))

    def iterate_entries(path):
        """Yield the entries of the directory `path`, in no order."""
        # It holds all names in memory; Python 2 has nothing else.
        for name in os.listdir(path):
            yield _Entry(path, name)

    def native_path(path):
        """Return `path` as the byte string that Python 2 gives to the system.

        JSON gives `unicode`, and in Apache's C locale Python would encode that as ASCII.
        """
        return path if isinstance(path, str) else path.encode('utf-8')

    # On Python 2 the system gives names as byte strings: they stay as they are.
    native_name = str

else:
    import io  # not on 2.6, where it is slow

    text_types = (str,)
    integer_types = (int,)
    O_CLOEXEC = getattr(os, 'O_CLOEXEC', 0)

    hexadecimal = bytes.hex

    class ReadStream(io.FileIO):
        """The binary file of an object. Only the store makes one, so the type tells it is ours.

        It reads from the descriptor that it is made from. Its `close` closes that.

        It has no buffer. So a server that takes its `fileno()` after some reads goes on where they
        ended, and a range of an object costs only its own bytes.
        """

        def peek(self, size=0):
            """Return the next bytes and keep the position. The base class needs it for lines."""
            return os.pread(self.fileno(), 8192, self.tell())

    open_stream = ReadStream
    TextOutput = io.TextIOWrapper

    # Python has it from 3.8 on, Linux from 4.5 on.
    copy_file_range = getattr(os, 'copy_file_range', _unsupported)
    sendfile = os.sendfile

    def forget_pages(fd, offset, size):
        """Ask the system to drop `size` bytes from `offset` on from its cache; 0: to the end.

        It does not wait. What is not on the disk yet stays, and the system begins to write it.
        """
        os.posix_fadvise(fd, offset, size, os.POSIX_FADV_DONTNEED)

    def part_of(room, size):
        """Return the first `size` bytes of an `mmap`, without a copy."""
        return memoryview(room)[:size]

    # Python has them on Linux only.
    set_attribute = getattr(os, 'setxattr', _unsupported)
    get_attribute = getattr(os, 'getxattr', _unsupported)

    iterate_entries = os.scandir

    def native_path(path):
        """Return `path` as a `str` that the system accepts, whatever the locale.

        In Apache's C locale an older Python 3 can't encode what is not ASCII. Escapes make it
        UTF-8, the name that all other tools see. Raises UnicodeError for other surrogates.
        """
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            return os.fsdecode(path.encode('utf-8'))
        return path

    # A byte that is no text in this locale becomes an escape, so that the name can be used again.
    native_name = os.fsdecode
