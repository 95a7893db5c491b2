"""Reads a file from the medium, past the page cache, which would hide damage on the medium."""

import errno
import fcntl
import hashlib
import io
import mmap
import os

from mezeo_fsstore.compat import forget_pages, part_of

# Bytes. Of 256 KiB, 1 MiB and 4 MiB this was the fastest.
_ROOM = 1024 * 1024


def new_room():
    """Return memory to read into. It starts at the start of a page, as direct reads need it."""
    return mmap.mmap(-1, _ROOM)


def digest_on_medium(fd, room, spend):
    """Return the SHA-256 of the file behind `fd`, in hexadecimal, and whether it was read directly.

    The file is read into `room`, memory of `new_room`. `spend(number)` is called after each read,
    with its number of bytes. Raises the system's error.
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
            # Direct reads are refused only now, or the last read was short and the next one does
            # not start at a block. So go on without.
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
        pass  # then only direct reads avoid the cache


def _read_directly(fd, wanted):
    """Switch O_DIRECT on or off; return whether the system has done so."""
    try:
        flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_DIRECT
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags)
    except EnvironmentError:
        return False
    return True
