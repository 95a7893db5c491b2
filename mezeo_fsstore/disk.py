"""The system calls: all that the store does to a disk is done here, and nowhere else.

So each error carries its errno and the path, which Python leaves out for calls on descriptors.
And a test can record the calls, or make any of them fail. Every function raises the system's
error, unless it says otherwise.

A bare `except` here and in `store` always ends in `raise`: it cleans up and hides no error.
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

# O_NOFOLLOW refuses a planted symbolic link. With O_NONBLOCK a planted FIFO can't make us wait.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | O_CLOEXEC

# The highest descriptor of the standard streams.
_STANDARD = 2

# The ioctl request of <linux/fs.h> that makes one file share the blocks of another.
FICLONE = 0x40049409

# The extended attribute of an object's digest. On an ext4 with inodes of 256 bytes this name leaves
# room for the value in the inode itself; three more letters cost each object a block of 4 KiB.
DIGEST = b'user.sha256'
_SHA256 = re.compile(r'[0-9a-f]{64}\Z')

# Bytes a call: a signal, or the end of the process, has to wait until the call returns.
_MOST_AT_ONCE = 128 * 1024 * 1024


def create(path):
    """Make the new file `path`, with mode 0600, and return a descriptor to write it.

    The descriptor is never 0, 1 or 2: a host that has closed those would log into the object.
    `path` must be a name that nobody else uses: on any error but EEXIST it is removed.
    """
    try:
        fd = os.open(path, _CREATE, 0o600)
    except BaseException as error:
        # The file may be there: a file server can lose the reply, an interrupt can come after it.
        if getattr(error, 'errno', None) != errno.EEXIST:
            discard(path)
        raise
    if fd > _STANDARD:
        return fd
    # Another thread may have logged into this file already, so it is removed. It stays open until
    # the next one is made, so that the next one gets another number.
    try:
        os.unlink(path)
        return create(path)
    finally:
        release(fd)


def open_to_read(path):
    """Return a descriptor to read `path`, of whatever kind. A symbolic link is refused by ELOOP."""
    try:
        return os.open(path, _READ)
    except EnvironmentError as error:
        if error.errno != errno.EAGAIN:
            raise
    return _wait_to_read(path)


def _wait_to_read(path):
    """Wait until the lease on the regular file `path` is given back, and open it.

    Without O_NONBLOCK the kernel waits for that. The file is opened through a descriptor that was
    checked, so no FIFO can take its place in between. Raises EINVAL for what is no regular file.
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
    """Return a descriptor of the directory `path`; a symbolic link is refused, by ENOTDIR."""
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

    Some filesystems don't keep them, and Linux may drop setgid; neither raises an error.
    """
    _call(path, os.fchmod, fd, mode)


def write_all(fd, data, path):
    """Write all of `data`, in as many calls as the system wants."""
    while data:
        written = _call(path, os.write, fd, data)
        if not written:  # it must not happen; if it does, a retry would never end
            raise OSError(errno.EIO, 'nothing could be written', path)
        data = data[written:]


def write_early(fd, offset, size):
    """Let the disk begin to write that part of the file, so that a `sync` has less to do.

    It does not wait and raises nothing: a failure costs only time.
    """
    try:
        forget_pages(fd, offset, size)
    except EnvironmentError:
        pass


def set_digest(fd, digest, path):
    """Store `digest`, 64 hexadecimal digits, in the attribute of the file behind `fd`.

    Where the filesystem has no attributes (EOPNOTSUPP) nothing is stored, and nothing is raised.
    The mode of the file must let its owner write.
    """
    try:
        sign(fd, digest, path)
    except EnvironmentError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


def sign(fd, digest, path):
    """As `set_digest`, but raise EOPNOTSUPP where the filesystem has no attributes."""
    _call(path, set_attribute, fd, DIGEST, digest.encode('ascii'))


def get_digest(fd, path):
    """Return the digest of the file behind `fd` from its attribute, a `str`; None for none.

    Any other value of the attribute counts as none.
    """
    value = digest_attribute(fd, path) or ''
    return str(value) if _SHA256.match(value) else None


def digest_attribute(fd, path):
    """Return the text in the attribute for the digest, whatever it is; None for no attribute."""
    try:
        return _call(path, get_attribute, fd, DIGEST).decode('latin-1')
    except EnvironmentError as error:
        if error.errno == errno.ERANGE:
            return u'too long to be one'
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP):
            raise
        return None


def copy(source, position, fd, path):
    """Copy the bytes of the descriptor `source` from `position` on into the empty file behind `fd`.

    The kernel copies. Returns True if all has arrived. Else returns False, and the file is empty.
    The errors of these fast ways are not raised, as the caller can read and write instead.
    """
    size = status(source, None).st_size - position
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
    # XFS and btrfs share all blocks in one step, whatever the size.
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
    """Close a written file: the last chance of a network filesystem to report a lost write."""
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
    """Give the file `source` the second name `target`. Raises EEXIST where that name is taken."""
    _call(target, os.link, source, target)


def remove(path):
    """Remove the file `path`."""
    os.unlink(path)


def discard(path, fd=None):
    """Close and remove a file. Raises nothing: mostly another error is being raised already."""
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
    """Set the time of the last change of `path` to now, by the clock of its filesystem."""
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

    The system's errors are not raised. If the `lstat` of a name fails, its triple is the name, None
    and the error. If the listing itself fails, it ends with '', None and the error. A name that has
    vanished since it was listed is left out.
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
    """Raise ELOOP if `path`, a shard, is a symbolic link. If nothing is there, raise nothing.

    O_NOFOLLOW checks only the last part of a path, so the directory of a file needs this check.
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

    Where `path` is None it gets the one that the system knows of a descriptor, the first argument.
    Python gives none to the errors of calls on descriptors, and Python 2 none to those of calls
    on two names.
    """
    try:
        return function(*arguments)
    except EnvironmentError as error:
        # For a call on a descriptor Python may give its number as the filename.
        if not isinstance(error.filename, text_types):
            error.filename = _name_of(arguments[0]) if path is None else path
        raise


def _name_of(fd):
    try:
        return os.readlink('/proc/self/fd/%d' % fd)
    except EnvironmentError:
        return None
