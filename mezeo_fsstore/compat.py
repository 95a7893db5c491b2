"""The one place that knows which Python runs: 2.6, 2.7, or 3.6 to the newest."""

import binascii
import errno
import os
import sys

# Linux has had it since 2.6.39; Python 2 and 3.6 to 3.9 do not name it.
O_PATH = getattr(os, 'O_PATH', 0o10000000)


def platform_base():
    """Return the platform's `StorageModule`, or `object` where there is no module `modules`.

    So the administrator's command needs no platform. What fails inside of `modules` is raised.
    """
    try:
        from modules import StorageModule
    except ImportError as error:
        # In these words, with the quotes on Python 3 only.
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

        def _checked(result):
            if result < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            return result

        def set_attribute(fd, name, value):
            """Give the file behind `fd` the extended attribute `name`; all are byte strings."""
            _checked(_fsetxattr(fd, name, value, len(value), 0))

        def get_attribute(fd, name):
            """Return the extended attribute `name` of the file behind `fd`, at most 4 KiB."""
            room = ctypes.create_string_buffer(4096)
            size = _checked(_fgetxattr(fd, name, room, len(room)))
            return room.raw[:size]

        def forget_pages(fd, offset, size):
            """Ask the system to forget that part of a file, 0 for all to the end, but not to wait.

            What is still to be written is kept, and the system begins to write it.
            """
            _libc.posix_fadvise64(fd, ctypes.c_int64(offset), ctypes.c_int64(size), 4)

    def part_of(room, size):
        """Return the first `size` bytes of an `mmap`, without a copy."""
        return buffer(room, 0, size)  # noqa: F821 (a name of Python 2)

    # There is no way to make a type of our own from a descriptor: no stream is taken for ours.
    ReadStream = None
    copy_file_range = sendfile = _unsupported

    def open_stream(fd):
        """Return a binary file object that reads from `fd`, and owns it from now on."""
        return os.fdopen(fd, 'rb')

    class TextOutput(object):
        """A file of text over `buffer`, a buffered file of bytes, as io.TextIOWrapper is one.

        It takes both kinds of string. Only `unicode` is encoded: bytes go out as they are.
        """

        def __init__(self, buffer, encoding, errors, line_buffering):
            self.buffer, self.encoding = buffer, encoding
            self._errors, self._line_buffering = errors, line_buffering
            self.flush, self.fileno, self.isatty = buffer.flush, buffer.fileno, buffer.isatty

        def write(self, text):
            """Write `text`; with `line_buffering` it is passed on at once."""
            if not isinstance(text, str):
                text = text.encode(self.encoding, self._errors)
            self.buffer.write(text)
            if self._line_buffering:
                self.flush()

    class _Entry(object):
        """What is used of an `os.DirEntry`."""

        def __init__(self, path, name):
            self._path, self.name = path, name

        def stat(self, follow_symlinks):
            return os.lstat(os.path.join(self._path, self.name))

    def iterate_entries(path):
        """Yield the entries of the directory `path`, in no order."""
        # It returns all names at once, and there is nothing else.
        for name in os.listdir(path):
            yield _Entry(path, name)

    def native_path(path):
        """Return `path` as the byte string that Python 2 gives to the system.

        JSON yields `unicode`, and under Apache's C locale Python would encode it as ASCII.
        """
        return path if isinstance(path, str) else path.encode('utf-8')

    # Names of the system are byte strings, as it gives them.
    native_name = str

else:
    import io  # not for 2.6, where it is slow

    text_types = (str,)
    integer_types = (int,)
    O_CLOEXEC = getattr(os, 'O_CLOEXEC', 0)

    hexadecimal = bytes.hex

    class ReadStream(io.FileIO):
        """The binary file of an object: nobody else makes one, so it can be told by its type.

        It reads from the descriptor that it is made from, and owns it from now on.

        It has no buffer. So a server that takes its `fileno()` after some reads goes on where they
        ended, and a range of an object costs no more than its own bytes.
        """

        def peek(self, size=0):
            """Return bytes that follow, without moving: the base class looks there for lines."""
            return os.pread(self.fileno(), 8192, self.tell())

    open_stream = ReadStream
    TextOutput = io.TextIOWrapper

    # From Python 3.8 on, and in the kernel from 4.5 on.
    copy_file_range = getattr(os, 'copy_file_range', _unsupported)
    sendfile = os.sendfile

    def forget_pages(fd, offset, size):
        """Ask the system to forget that part of a file, 0 for all to the end, but not to wait.

        What is still to be written is kept, and the system begins to write it.
        """
        os.posix_fadvise(fd, offset, size, os.POSIX_FADV_DONTNEED)

    def part_of(room, size):
        """Return the first `size` bytes of an `mmap`, without a copy."""
        return memoryview(room)[:size]

    # Linux has them, other systems do not.
    set_attribute = getattr(os, 'setxattr', _unsupported)
    get_attribute = getattr(os, 'getxattr', _unsupported)

    iterate_entries = os.scandir

    def native_path(path):
        """Return `path` as a `str` that the system accepts, whatever the locale.

        Under Apache's C locale an older Python 3 can't encode what is not ASCII; the escape makes
        it UTF-8 there, as every other tool of the node sees the name.
        """
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            return os.fsdecode(path.encode('utf-8'))
        return path

    # A byte that is no text in this locale becomes an escape that stands for it alone.
    native_name = os.fsdecode
