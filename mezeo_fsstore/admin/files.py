"""The caller's files: what `put` reads, and what `get` writes, which may not lie in the root."""

import contextlib
import errno
import io
import os
import stat
import sys

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.advice import SOURCE, TARGET, Failed, blame
from mezeo_fsstore.admin.terminal import binary

_OUTPUT = ('-', '/dev/stdout')


@contextlib.contextmanager
def open_source(name):
    """For a `with`: open the file `name`, `-` for standard input; give a Source. Raises Failed."""
    if name == '-':
        if sys.stdin is None:
            raise Failed(SOURCE, 'standard input', OSError(errno.EBADF, 'it is closed'))
        yield Source(binary(sys.stdin), 'standard input')
    else:
        with blame(SOURCE, name):
            stream = io.open(name, 'rb')
        with contextlib.closing(stream):
            yield Source(stream, name)


class Source(object):
    """Reads the binary file `stream`. Its errors are raised as Failed, with the caller's `name`."""

    def __init__(self, stream, name):
        self._stream, self._name = stream, name

    def read(self, size):
        """Return up to `size` bytes, `b''` at the end."""
        with blame(SOURCE, self._name):
            return self._stream.read(size)

    def length(self):
        """Return the number of bytes to come, None for what is no regular file."""
        try:
            fd = self._stream.fileno()
            found = os.fstat(fd)
            if stat.S_ISREG(found.st_mode):
                return found.st_size - os.lseek(fd, 0, os.SEEK_CUR)
        except EnvironmentError:
            pass
        return None


def open_target(name, root, path):
    """Return a context manager for writing to the caller's file `name`, `-` for standard output.

    It gives a pair: a file with `write`, and the parameter `beside` of `meter`. A regular file is
    replaced at the end, in one step, and keeps its mode; on any error it stays as it was. A device,
    a FIFO and standard output are written directly. Raises Failed for a file in `root`, a `Root`,
    for another name of its marker or of the object at `path` there, and for the system's errors.
    """
    if name in _OUTPUT:
        fd = sys.stdout.fileno()
        _refuse_the_root('/proc/self/fd/%d' % fd, os.fstat(fd), root, path)
        return _standard_output()
    with blame(TARGET, name):
        if not os.path.basename(name):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        found, full = _status(name), os.path.realpath(name)
        # A name such as /dev/fd/3 may lead to a file without a name, which can not be replaced.
        by_name = found is None or stat.S_ISREG(found.st_mode) and _same(found, _status(full))
    _refuse_the_root(name, found, root, path)
    return _replaced(name, full, found) if by_name else _as_it_is(name)


def _refuse_the_root(name, found, root, path):
    """Raise Failed if the file `name`, whose status is `found` or None, belongs to `root`."""
    problem = None
    if _lies_in(root.path, os.path.realpath(name)):
        problem = 'it lies in the root, in which only objects are stored, with put'
    elif found is not None:
        for ours in (path, names.MARKER):
            if _same(found, _status(root.join(ours))):
                problem = 'it is a file of the root, %s, under another name' % ours
    if problem:
        raise Failed(TARGET, name, OSError(errno.EINVAL, problem + ': name another file'))


def _lies_in(folder, path):
    """Return whether `path` lies in `folder`, also through links, other mounts or spellings."""
    sought = os.stat(folder)
    while path != '/':
        path = os.path.dirname(path)
        if _same(sought, _status(path)):
            return True
    return False


def _same(found, other):
    return other is not None and os.path.samestat(found, other)


def _status(path):
    """Return the `os.stat` of `path`, None where nothing is there."""
    try:
        return os.stat(path)
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return None


class Target(object):
    """Writes to the descriptor `fd` of the caller's file `name`."""

    def __init__(self, fd, name):
        self._fd, self._name = fd, name

    def write(self, data):
        """Write all of `data`. Raises Failed."""
        with blame(TARGET, self._name):
            disk.write_all(self._fd, data, self._name)

    def fileno(self):
        """Return the descriptor."""
        return self._fd


@contextlib.contextmanager
def _standard_output():
    stream = binary(sys.stdout)
    yield stream, stream
    stream.flush()


@contextlib.contextmanager
def _replaced(name, full, found):
    temporary = os.path.join(os.path.dirname(full), '.mezeo_fsstore.get.' + names.random_hex(8))
    fd = None
    try:
        with blame(TARGET, name):
            if found is not None:
                # Only a user who may write the file may replace it.
                disk.release(os.open(full, os.O_WRONLY | os.O_NONBLOCK))
            fd = disk.create(temporary)
            _dress(fd, found, temporary)
        yield Target(fd, name), None
        with blame(TARGET, name):
            disk.sync(fd, temporary)
            written, fd = fd, None
            disk.close(written, temporary)
            os.rename(temporary, full)
    except:
        disk.discard(temporary, fd)
        raise


def _dress(fd, found, path):
    """Give the new file the mode and, if this user may, the owner of the one that it replaces."""
    if found is None:
        disk.set_mode(fd, 0o666 & ~_umask(), path)
        return
    try:
        os.fchown(fd, found.st_uid, found.st_gid)
    except EnvironmentError:
        pass
    disk.set_mode(fd, stat.S_IMODE(found.st_mode) & 0o777, path)


def _umask():
    # The only way to read it is to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _as_it_is(name):
    with blame(TARGET, name):
        fd = os.open(name, os.O_WRONLY | os.O_TRUNC | os.O_NOCTTY)
    try:
        target = Target(fd, name)
        yield target, target
        with blame(TARGET, name):
            written, fd = fd, None
            os.close(written)
    finally:
        if fd is not None:
            disk.release(fd)
