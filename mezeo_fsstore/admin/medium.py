"""Reads a file from the medium, past the page cache, which would hide what has rotted below it."""

import errno
import fcntl
import hashlib
import io
import mmap
import os

from mezeo_fsstore.compat import forget_pages, part_of

# Of 256 KiB, 1 MiB and 4 MiB the quickest.
_ROOM = 1024 * 1024


def new_room():
    """Return memory to read into, which starts at a page as direct reads need it."""
    return mmap.mmap(-1, _ROOM)


def digest_on_medium(fd, room, spend):
    """Return the SHA-256 of the file behind `fd`, in hexadecimal, and whether it was read directly.

    `spend(number)` is called for each so many bytes that were read into `room`. Raises the
    system's error.
    """
    digest, position, size = hashlib.sha256(), 0, os.fstat(fd).st_size
    _forget(fd)
    direct = _read_directly(fd, True)
    os.lseek(fd, 0, os.SEEK_SET)
    stream = io.FileIO(fd, closefd=False)
    while position < size:
        try:
            number = stream.readinto(room)
        except EnvironmentError as error:
            if not direct or error.errno != errno.EINVAL:
                raise
            # It is refused only now, or an earlier read was short: the next one must start at the
            # border of a block.
            direct = not _read_directly(fd, False)
            continue
        if not number:
            break
        digest.update(part_of(room, number))
        position += number
        spend(number)
    return digest.hexdigest(), direct


def _forget(fd):
    try:
        forget_pages(fd, 0, 0)
    except EnvironmentError:
        pass  # then a direct read has to do


def _read_directly(fd, wanted):
    """Switch O_DIRECT on or off; return whether the system has done so."""
    try:
        flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_DIRECT
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags)
    except EnvironmentError:
        return False
    return True
