"""Steps that look whether this user can use all that lies in a root."""

import errno
import fcntl
import itertools
import os
import random
import stat
import struct

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.advice import shown
from mezeo_fsstore.admin.check_report import Warn
from mezeo_fsstore.admin.formats import counted
from mezeo_fsstore.admin.rights import quoted
from mezeo_fsstore.admin.users import user_name

# The number of objects to look at, at most: on a cold disk each can take 20 ms.
_SAMPLE = 256

# The ioctl request of <linux/fs.h> for the flags that chattr sets, and two of these flags.
_GET_FLAGS = 0x80006601 | struct.calcsize('l') << 16
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20

# The flag ST_RDONLY of statvfs(3).
_READ_ONLY = 1


def steps_of_root(root):
    """Return the steps that look at the directory `root`, a `Root`, as the user of this process."""
    return [('owner', lambda: _owner(root)),
            ('rights', lambda: _rights(root))]


def steps_of_content(root, file_mode, dir_mode):
    """Return the steps that look at what is in `root`; the modes are the registered ones."""
    return [('directories', lambda: _directories(root, dir_mode)),
            ('objects', lambda: _objects(root, file_mode))]


def _owner(root):
    owner, user = os.stat(root.path).st_uid, os.geteuid()
    if user != owner:
        raise Warn('%s: what that user can do was not looked at, as check ran as %s'
                   % (user_name(owner), user_name(user)))
    if owner == 0:
        raise Warn('root: if the server runs as another user, chown %s to that one'
                   % shown(quoted(root.path)))
    return user_name(owner)


def _rights(root):
    # With the slash at its end a root may be a symbolic link. A shard may not.
    _raise_first([_problem_of_directory(root.join(''))])
    return 'usable by %s' % user_name(os.geteuid())


def _directories(root, dir_mode):
    shards = [root.join(name) for name in disk.listdir(root.path) if names.is_shard(name)]
    _raise_first([_problem_of_directory(path) for path in shards])
    modes = [(path, stat.S_IMODE(disk.status_of_name(path).st_mode)) for path in shards]
    _warn_of_modes([(path, mode & ~stat.S_ISVTX) for path, mode in modes], 'dir_mode', dir_mode)
    unsettled = [path for path, mode in modes if mode & stat.S_ISVTX]
    if unsettled and dir_mode & stat.S_IWGRP:
        raise Warn('%s: sticky since a crash, so other users of the group can not replace or '
                   'delete objects there until the owner stores one%s'
                   % (shown(unsettled[0]), _and_more(unsettled)))
    return 'usable by %s: %s' % (
        user_name(os.geteuid()), counted(len(shards), 'directory', 'directories'))


def _problem_of_directory(path):
    """Return the error that keeps this user from using the directory `path`, None if he can."""
    try:
        fd = disk.open_directory(path)
    except EnvironmentError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            return EnvironmentError(None, 'it must be a directory, and no link to one', path)
        if error.errno == errno.EACCES:
            return _not_for_us(path, 'use')
        return error
    try:
        problem = _problem_of_flags(fd, path)
    finally:
        disk.release(fd)
    if problem is None and not os.access(path, os.W_OK | os.X_OK):
        if disk.capacity(path).f_flag & _READ_ONLY:
            return EnvironmentError(errno.EROFS, os.strerror(errno.EROFS), path)
        return _not_for_us(path, 'use')
    return problem


def _objects(root, file_mode):
    """Look at a sample of the objects: the superuser may have restored some as his own."""
    seen = [found for found in map(_look_at_object, _sample(root)) if found]
    _raise_first([problem for _, problem, _ in seen])
    _warn_of_modes([(path, mode) for path, _, mode in seen], 'file_mode', file_mode)
    return 'readable by %s: a sample of %d' % (user_name(os.geteuid()), len(seen))


def _sample(root):
    """Return the full paths of at most _SAMPLE objects, spread over the shards."""
    shards = [name for name in disk.listdir(root.path) if names.is_shard(name)]
    random.shuffle(shards)
    most = max(1, _SAMPLE // max(1, len(shards)))
    found = []
    for shard in shards[:_SAMPLE]:
        try:
            paths = ('%s/%s' % (shard, name) for name in disk.listdir(root.join(shard)))
            objects = (root.join(path) for path in paths if names.is_object(path))
            found.extend(itertools.islice(objects, most))
        except EnvironmentError as error:
            # The step before this has said so.
            if error.errno not in (errno.EACCES, errno.ENOTDIR):
                raise
    return found


def _look_at_object(path):
    """Return its path, the error that keeps this user from using it, and its mode.

    The error is None if the user can use it; else the mode may be None. Returns None for an object
    that was deleted meanwhile.
    """
    try:
        found = disk.status_of_name(path)
        if not stat.S_ISREG(found.st_mode):
            return path, EnvironmentError(
                None, 'it is no regular file: see ls --foreign', path), None
        fd = disk.open_to_read(path)
        try:
            disk.read(fd, 1, path)
            return path, _problem_of_flags(fd, path), stat.S_IMODE(found.st_mode)
        finally:
            disk.release(fd)
    except EnvironmentError as error:
        if error.errno == errno.EACCES:
            return path, _not_for_us(path, 'read'), None
        return None if error.errno == errno.ENOENT else (path, error, None)


def _problem_of_flags(fd, path):
    try:
        flags = struct.unpack('i', fcntl.ioctl(fd, _GET_FLAGS, b'\0' * 8)[:4])[0]
    except EnvironmentError:
        return None  # this filesystem has no such flags
    if flags & (_IMMUTABLE | _APPEND_ONLY):
        return EnvironmentError(
            None, 'it can not be changed: remove what lsattr shows with chattr -ia', path)
    return None


def _not_for_us(path, use):
    return EnvironmentError(
        errno.EACCES, '%s can not %s it' % (user_name(os.geteuid()), use), path)


def _raise_first(problems):
    problems = [problem for problem in problems if problem]
    if problems:
        problems[0].strerror += _and_more(problems)
        raise problems[0]


def _warn_of_modes(found, argument, expected):
    others = [(path, mode) for path, mode in found if mode != expected]
    if others:
        path, mode = others[0]
        raise Warn('%s: its mode is %04o, and %s is %04o%s' % (
            shown(path), mode, argument, expected, _and_more(others)))


def _and_more(found):
    return ' (and %d more)' % (len(found) - 1) if len(found) > 1 else ''
