"""The one place that knows which Python runs: 2.6, 2.7, or 3.6 to the newest."""

import binascii
import errno
import os
import sys

# Linux has had it since 2.6.39; Python 2 and 3.6 to 3.9 do not name it.
O_PATH = getattr(os, 'O_PATH', 0o10000000)


def _unsupported(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


if sys.version_info[0] == 2:
    text_types = (str, unicode)  # noqa: F821 (a name of Python 2)
    integer_types = (int, long)  # noqa: F821 (a name of Python 2)

    # Linux has had the flag since 2.6.23, Python 2 never named it. Setting it after the open
    # would leave a moment in which a child forked by another thread inherits the descriptor.
    O_CLOEXEC = 0o2000000 if sys.platform.startswith('linux') else 0

    hexadecimal = binascii.hexlify

    # There is no way to make a type of our own from a descriptor: no stream is taken for ours.
    ReadStream = None
    copy_file_range = sendfile = _unsupported

    def open_stream(fd):
        """Return a binary file object that reads from `fd`, and owns it from now on."""
        return os.fdopen(fd, 'rb')

    # It returns all names at once, and there is nothing else.
    iterate_names = os.listdir

    def native_path(path):
        """Return `path` as the byte string that Python 2 gives to the system.

        JSON yields `unicode`, and under Apache's C locale Python would encode it as ASCII.
        """
        return path if isinstance(path, str) else path.encode('utf-8')

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

    # From Python 3.8 on, and in the kernel from 4.5 on.
    copy_file_range = getattr(os, 'copy_file_range', _unsupported)
    sendfile = os.sendfile

    def iterate_names(path):
        """Yield the names in the directory `path`, in no order."""
        with os.scandir(path) as found:
            for entry in found:
                yield entry.name

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
