"""The system calls: all that the store does to a disk passes through here, and nowhere else.

So each error carries its errno and the path concerned, which Python leaves out for calls on
descriptors; and a test can record the calls, or let any of them fail.
"""

import errno
import fcntl
import os
import stat

from mezeo_fsstore.compat import (
    O_CLOEXEC, copy_file_range, iterate_names, open_stream, sendfile)

# O_NOFOLLOW: a planted symbolic link is refused. O_NONBLOCK: so that a planted FIFO can't hang us.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | O_CLOEXEC

# The request of Linux's <linux/fs.h> that makes one file share the blocks of another.
FICLONE = 0x40049409

# What a filesystem, a kernel or a pair of files answers that has no such call.
_NO_COPY = frozenset([errno.EINVAL, errno.ENOSYS, errno.ENOTTY, errno.EOPNOTSUPP, errno.EPERM,
                      errno.EXDEV])

# One call must not keep a signal, or the end of the process, waiting for long.
_MOST_AT_ONCE = 128 * 1024 * 1024


def create(path):
    """Make the new file `path`, private until `set_mode`, and return a descriptor to write it."""
    return os.open(path, _CREATE, 0o600)


def open_file(path):
    """Return a descriptor to read `path`, which need not be a regular file."""
    return os.open(path, _READ)


def open_regular(path):
    """Return a binary file object that reads `path`. Raises EINVAL for what is no regular file."""
    fd = os.open(path, _READ)
    try:
        require_regular(os.fstat(fd), path)
        return open_stream(fd)
    except EnvironmentError as error:
        release(fd)
        _name(error, path)
        raise
    except:
        release(fd)
        raise


def require_regular(status, path):
    """Raise EINVAL unless `status`, that of `path`, is of a regular file."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, 'no object: not a regular file', path)


def open_directory(path):
    """Return a descriptor of the directory `path`; a symbolic link to one is refused."""
    return os.open(path, _DIRECTORY)


def read(fd, size, path):
    """Return at most `size` bytes from `fd`."""
    return _naming(path, os.read, fd, size)


def status(fd, path):
    """Return the `os.fstat` of `fd`."""
    try:
        return os.fstat(fd)
    except EnvironmentError as error:
        _name(error, path)
        raise


def status_of_name(path):
    """Return the `os.lstat` of `path`: of a symbolic link itself, not of what it points to."""
    return os.lstat(path)


def set_mode(fd, mode, path):
    """Give the file or directory behind `fd` exactly the permissions `mode`, whatever the umask."""
    try:
        os.fchmod(fd, mode)
    except EnvironmentError as error:
        _name(error, path)
        raise


def write(fd, data, path):
    """Write all of `data`, in as many calls as the system wants."""
    try:
        while data:
            written = os.write(fd, data)
            if not written:  # no disk may answer so; if one does, a retry would never end
                raise OSError(errno.EIO, 'nothing could be written', path)
            data = data[written:]
    except EnvironmentError as error:
        _name(error, path)
        raise


def clone(source, fd, path):
    """Let the empty file behind `fd` share all blocks of `source`; return whether it does.

    The filesystem does it at once, whatever the size, or not at all (XFS and btrfs can).
    """
    try:
        _naming(path, fcntl.ioctl, fd, FICLONE, source)
    except EnvironmentError as error:
        if error.errno not in _NO_COPY:
            raise
        return False
    return True


def copy(source, position, fd, path):
    """Copy what `source` holds from `position` on, as far as the kernel can without this process.

    Returns the position at which it ended: short of the end of the source where the system has no
    such call for these two files.
    """
    left = _naming(path, os.fstat, source).st_size - position
    while left > 0:
        copied = _copy_some(source, position, fd, min(left, _MOST_AT_ONCE), path)
        if not copied:
            break
        position, left = position + copied, left - copied
    return position


def _copy_some(source, position, fd, size, path):
    # In the kernel of today the first is the second where the filesystem knows no better.
    for call, arguments in ((copy_file_range, (source, fd, size, position)),
                            (sendfile, (fd, source, position, size))):
        try:
            copied = call and _naming(path, call, *arguments)
        except EnvironmentError as error:
            if error.errno not in _NO_COPY:
                raise
            continue
        if copied:
            return copied
    return 0


def sync(fd, path):
    """Return when the file behind `fd` is on the disk."""
    _naming(path, os.fsync, fd)


def sync_directory(fd, path):
    """Return when the entries of the directory behind `fd` are on the disk."""
    try:
        _naming(path, os.fsync, fd)
    except EnvironmentError as error:
        # The filesystem has no such thing for directories. Any other error is a loss.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def close(fd, path):
    """Close a written file: the last moment at which a network filesystem reports a lost write."""
    try:
        os.close(fd)
    except EnvironmentError as error:
        _name(error, path)
        raise


def release(fd):
    """Close a descriptor whose fate changes nothing: nothing was written to it, or all is lost."""
    try:
        os.close(fd)
    except EnvironmentError:
        pass


def rename(source, target):
    """Put `source` in the place of `target`, atomically."""
    try:
        os.rename(source, target)
    except EnvironmentError as error:
        _name(error, target)
        raise


def link(source, target):
    """Give the file `source` the second name `target`; the error is EEXIST where that is taken."""
    _naming(target, os.link, source, target)


def remove(path):
    """Remove the file `path`."""
    os.unlink(path)


def discard(path):
    """Remove the file `path` while another error is on its way, which matters more than ours."""
    try:
        os.unlink(path)
    except EnvironmentError:
        pass


def make_directory(path, mode):
    """Make the directory `path`, with `mode` less the umask."""
    os.mkdir(path, mode)


def names(path):
    """Return an iterator over the names in the directory `path`, in no order."""
    return iter(iterate_names(path))


def refuse_link(path):
    """Raise the system's ELOOP if `path` is a symbolic link; that nothing is there is no error.

    For the directory of a file, as O_NOFOLLOW sees to the last part of a path only.
    """
    try:
        mode = os.lstat(path).st_mode
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
        return
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, 'a shard must not be a symbolic link', path)


def is_directory(path):
    """Return whether `path` is a directory or a symbolic link to one."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return False


def capacity(path):
    """Return the `os.statvfs` of the filesystem that holds `path`."""
    return os.statvfs(path)


def _naming(path, call, *arguments):
    # Where each put or get passes, a `try` of its own does this: it costs less than a call.
    try:
        return call(*arguments)
    except EnvironmentError as error:
        _name(error, path)
        raise


def _name(error, path):
    if error.filename is None:
        error.filename = path
