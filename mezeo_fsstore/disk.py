"""The system calls: all that the store does to a disk passes through here, and nowhere else.

So each error carries its errno and the path concerned, which Python leaves out for calls on
descriptors; and a test can record the calls, or let any of them fail.

A bare `except` here and in `store` always ends in `raise`: it cleans up, it hides nothing.
"""

import contextlib
import errno
import fcntl
import os
import re
import stat

from mezeo_fsstore.compat import (
    O_CLOEXEC, O_PATH, copy_file_range, forget_pages, get_attribute, iterate_entries, open_stream,
    sendfile, set_attribute, text_types)

# O_NOFOLLOW: a planted symbolic link is refused. O_NONBLOCK: so that a planted FIFO can't hang us.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | O_CLOEXEC

# The last of standard input, output and error output.
_STANDARD = 2

# The request of Linux's <linux/fs.h> that makes one file share the blocks of another.
FICLONE = 0x40049409

# The extended attribute of an object's digest. On an ext4 with inodes of 256 bytes this name leaves
# room for the value in the inode itself; three letters more cost a block of 4 KiB an object.
DIGEST = b'user.sha256'
_SHA256 = re.compile(r'[0-9a-f]{64}\Z')

# One call must not keep a signal, or the end of the process, waiting for long.
_MOST_AT_ONCE = 128 * 1024 * 1024


def create(path):
    """Make the new file `path`, private until `set_mode`, and return a descriptor to write it.

    The descriptor is never 0, 1 or 2: a host that has closed those would log into the object.
    On any error nothing is left, but for what was at `path` before.
    """
    try:
        fd = os.open(path, _CREATE, 0o600)
    except BaseException as error:
        # A file server, or an interrupt, may report a failure for a file that was made.
        if getattr(error, 'errno', None) != errno.EEXIST:
            discard(path)
        raise
    if fd > _STANDARD:
        return fd
    # Another thread may have logged into this file already, so it goes. While it is open it keeps
    # its number from the next one.
    try:
        os.unlink(path)
        return create(path)
    finally:
        release(fd)


def open_to_read(path):
    """Return a descriptor to read `path`, which need not be a regular file."""
    try:
        return os.open(path, _READ)
    except EnvironmentError as error:
        if error.errno != errno.EAGAIN:
            raise
    return _wait_to_read(path)


def _wait_to_read(path):
    """Open the regular file `path` once whoever has a lease on it has given that back.

    Without O_NONBLOCK the kernel waits for that. The file is opened through a descriptor that has
    been looked at, so no FIFO can take its place in between.
    """
    seen = os.open(path, O_PATH | os.O_NOFOLLOW | O_CLOEXEC)
    try:
        require_regular(status(seen, path), path)
        return os.open('/proc/self/fd/%d' % seen, os.O_RDONLY | O_CLOEXEC)
    except EnvironmentError as error:
        error.filename = path
        raise
    finally:
        release(seen)


def open_object(path):
    """Return a binary file object that reads `path`. Raises EINVAL for what is no regular file."""
    fd = open_to_read(path)
    try:
        return _call(path, _stream_of, fd, path)
    except:
        release(fd)
        raise


def _stream_of(fd, path):
    require_regular(os.fstat(fd), path)
    return open_stream(fd)


def require_regular(found, path):
    """Raise EINVAL unless `found`, the status of `path`, is that of a regular file."""
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, 'no object: not a regular file', path)


def open_directory(path):
    """Return a descriptor of the directory `path`; a symbolic link to one is refused."""
    return os.open(path, _DIRECTORY)


def read(fd, size, path):
    """Return at most `size` bytes from `fd`."""
    return _call(path, os.read, fd, size)


def status(fd, path):
    """Return the `os.fstat` of `fd`."""
    return _call(path, os.fstat, fd)


def status_of_name(path):
    """Return the `os.lstat` of `path`: of a symbolic link itself, not of what it points to."""
    return os.lstat(path)


def set_mode(fd, mode, path):
    """Give the file or directory behind `fd` the permissions `mode`, whatever the umask.

    Not every filesystem keeps them, and Linux may drop setgid: neither is an error.
    """
    _call(path, os.fchmod, fd, mode)


def write_all(fd, data, path):
    """Write all of `data`, in as many calls as the system wants."""
    while data:
        written = _call(path, os.write, fd, data)
        if not written:  # no disk may answer so; if one does, a retry would never end
            raise OSError(errno.EIO, 'nothing could be written', path)
        data = data[written:]


def write_early(fd, offset, size):
    """Have the disk begin with that part of the file behind `fd`, so that a `sync` has less to do.

    It waits for nothing, and where it can't be had nothing is lost.
    """
    try:
        forget_pages(fd, offset, size)
    except EnvironmentError:
        pass


def set_digest(fd, digest, path):
    """Keep `digest`, 64 hexadecimal digits, with the file behind `fd`, which its owner may write.

    The filesystem may have no place for it: then there is none.
    """
    try:
        sign(fd, digest, path)
    except EnvironmentError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


def sign(fd, digest, path):
    """As `set_digest`, but raise EOPNOTSUPP where the filesystem has no place for it."""
    _call(path, set_attribute, fd, DIGEST, digest.encode('ascii'))


def get_digest(fd, path):
    """Return the digest that is kept with the file behind `fd`, a `str`; None where there is none.

    Any other value of the attribute counts as none.
    """
    value = digest_attribute(fd, path) or ''
    return str(value) if _SHA256.match(value) else None


def digest_attribute(fd, path):
    """Return the attribute in which the digest is kept, whatever it holds; None for no such one."""
    try:
        return _call(path, get_attribute, fd, DIGEST).decode('latin-1')
    except EnvironmentError as error:
        if error.errno == errno.ERANGE:
            return u'too long to be one'
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP):
            raise
        return None


def copy(source, position, fd, path):
    """Copy what `source` holds from `position` on into the empty file behind `fd`, in the kernel.

    Returns whether all of it has arrived. If not, the file is empty: no error of a way that is only
    faster is a failure, as the bytes can be read and written.
    """
    size = status(source, path).st_size - position
    for way in (_clone, _copy_range, _send):
        try:
            way(source, position, size, fd)
            if os.fstat(fd).st_size == size:
                return True
        except EnvironmentError:
            pass
        _call(path, os.lseek, fd, 0, os.SEEK_SET)
        _call(path, os.ftruncate, fd, 0)
    return False


def _clone(source, position, size, fd):
    # All blocks are shared at once, whatever the size, where the filesystem can (XFS, btrfs).
    if position == 0:
        fcntl.ioctl(fd, FICLONE, source)


def _copy_range(source, position, size, fd):
    _repeat(lambda at, most: copy_file_range(source, fd, most, at), position, size)


def _send(source, position, size, fd):
    _repeat(lambda at, most: sendfile(fd, source, at, most), position, size)


def _repeat(copy_some, position, size):
    end = position + size
    while position < end:
        copied = copy_some(position, min(end - position, _MOST_AT_ONCE))
        if not copied:
            break
        position += copied


def sync(fd, path):
    """Return when the file behind `fd` is on the disk."""
    _call(path, os.fsync, fd)


def sync_directory(fd, path):
    """Return True when the entries of the directory behind `fd` are on the disk.

    Returns False where the filesystem has no such call for directories. Raises any other error:
    something may be lost.
    """
    try:
        _call(path, os.fsync, fd)
    except EnvironmentError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        return False
    return True


def close(fd, path):
    """Close a written file: the last moment at which a network filesystem reports a lost write."""
    _call(path, os.close, fd)


def release(fd):
    """Close a descriptor whose close error does not matter.

    Nothing was written to it, or what was written is being discarded.
    """
    try:
        os.close(fd)
    except EnvironmentError:
        pass


def rename(source, target):
    """Put `source` in the place of `target`, atomically."""
    _call(target, os.rename, source, target)


def link(source, target):
    """Give the file `source` the second name `target`; the error is EEXIST where that is taken."""
    _call(target, os.link, source, target)


def remove(path):
    """Remove the file `path`."""
    os.unlink(path)


def discard(path, fd=None):
    """Close and remove a file while another error is on its way, which matters more than ours."""
    if fd is not None:
        release(fd)
    try:
        os.unlink(path)
    except EnvironmentError:
        pass


def remove_directory(path):
    """Remove the empty directory `path`."""
    os.rmdir(path)


def touch(path):
    """Say that what is at `path` was changed now, by the clock of its filesystem."""
    os.utime(path, None)


def make_directory(path, mode):
    """Make the directory `path`, with `mode` less the umask."""
    os.mkdir(path, mode)


def listdir(path):
    """Yield the names in the directory `path`, in no order."""
    with contextlib.closing(iterate_entries(path)) as found:
        for entry in found:
            yield entry.name


def scan(path):
    """Yield triples of a name in the directory `path`, its `os.lstat` and None, in no order.

    Nothing is raised. Where a name can't be asked, its triple is the name, None and the error. A
    listing that can't begin or go on ends with '', None and the error. What has vanished since it
    was listed is left out.
    """
    try:
        with contextlib.closing(iterate_entries(path)) as found:
            for entry in found:
                try:
                    status = entry.stat(follow_symlinks=False)
                except EnvironmentError as error:
                    if not has_vanished(error):
                        yield entry.name, None, error
                else:
                    yield entry.name, status, None
    except EnvironmentError as error:
        if error.filename is None:
            error.filename = path
        yield '', None, error


def has_vanished(error):
    """Return whether `error` says that what was asked for is not there."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR)


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


def _call(path, function, *arguments):
    """Return `function(*arguments)`; an error without a path gets `path`.

    Python gives none to the errors of calls on descriptors, and Python 2 none to those of calls
    on two names.
    """
    try:
        return function(*arguments)
    except EnvironmentError as error:
        # Of a call on a descriptor it may be that number.
        if not isinstance(error.filename, text_types):
            error.filename = path
        raise
