"""What failed, in one line, and what an administrator can do about it.

The advice is about the thing that failed: where the source of `put` can't be read, it does not
speak of the root.
"""

import contextlib
import errno
import os
import re

from mezeo_fsstore import names
from mezeo_fsstore.admin import rights
from mezeo_fsstore.admin.standard_streams import OutputError
from mezeo_fsstore.admin.users import user_name
from mezeo_fsstore.compat import native_path, text_types
from mezeo_fsstore.errors import DamagedObject

SOURCE, TARGET = 'source', 'target'

_VERBS = {SOURCE: 'read it', TARGET: 'write it, or not in its directory'}

_FSCK = 'the filesystem is damaged: unmount it and run fsck, on XFS xfs_repair'
_LACKS = 'this filesystem does not do that: check tells what it offers'
_FOREIGN = 'something else stands in its place: see ls --foreign'

_ANYWHERE = {
    errno.EROFS: 'the volume is read-only: look for its fault in the kernel log, then remount it',
    errno.EFBIG: 'the filesystem, or a limit of this process, allows no file of that size',
    errno.EIO: 'the disk fails: look for its fault in the kernel log',
    errno.EUCLEAN: _FSCK,
    errno.EBADMSG: _FSCK,
    errno.EOVERFLOW: 'its size, time or inode number is too large for this system: touch gives it '
                     'another time; for the others use a system of 64 bits',
    errno.ESTALE: 'the server exports another volume now: unmount and mount it again',
    errno.ENOTCONN: 'the servers of the volume are out of reach, or its mount here has died: '
                    'start them, or unmount it and mount it again',
    errno.ESHUTDOWN: 'the cluster has shut this machine out: unmount the volume, mount it again',
    errno.EMFILE: 'too many files are open: raise the limit of this process (ulimit -n)',
    errno.ENFILE: 'too many files are open: raise the limit of the machine (fs.file-max)',
}

_ROOT = {
    errno.ENOSPC: 'no space or no inodes are left: see df; sweep removes what crashes have left',
    errno.EDQUOT: 'the quota is used up: raise it; sweep removes what crashes have left',
    errno.ENOSYS: _LACKS,
    errno.ERANGE: _LACKS,
    errno.EOPNOTSUPP: _LACKS,
    errno.ELOOP: 'a symbolic link on the way leads in a circle',
}

_OBJECT = {
    errno.ENOENT: 'there is no such object: ls lists the objects',
    errno.ENOTDIR: _FOREIGN,
    errno.EISDIR: _FOREIGN,
    errno.ELOOP: _FOREIGN,
    errno.EINVAL: _FOREIGN,
}

_CALLERS = {
    SOURCE: {
        errno.ENOENT: 'name a file that is there, or - for standard input',
        errno.EISDIR: 'name a file, not a directory',
        errno.EBADF: 'open standard input, or name a file',
    },
    TARGET: {
        errno.ENOENT: 'make its directory first',
        errno.EISDIR: 'name a file in it',
        errno.ENOSPC: 'make space where that file is to lie',
        errno.EDQUOT: 'the quota of the user who writes that file is used up',
        errno.EPIPE: 'its reader has gone before the end',
        errno.EBUSY: 'it can not be replaced in one step: name another file',
    },
}


class Failed(Exception):
    """A file of the caller has failed. `what` is SOURCE or TARGET, `name` is the caller's name for
    it, `error` is the system's.

    It is no EnvironmentError, or the store would take it for an error of the root.
    """

    def __init__(self, what, name, error):
        super(Failed, self).__init__(what, name, error)
        self.what, self.name, self.error = what, name, error


@contextlib.contextmanager
def blame(what, name):
    """For a `with`: turn the system's error into Failed(`what`, `name`, error)."""
    try:
        yield
    except EnvironmentError as error:
        raise Failed(what, name, error)


def explain(error, root):
    """Return one line about the exception `error`: the path, what failed, and what to do if known.

    `root` is the path of the root, None where it is not known. Advice about the root is given for
    paths in it only.
    """
    if isinstance(error, OutputError):
        return str(error)
    if isinstance(error, Failed):
        path, error, cure = error.name, error.error, _cure_of_callers(error.what, error.error)
    else:
        path = _path_of(error)
        cure = _cure(error, path, root)
    words = getattr(error, 'strerror', None) or str(error) or type(error).__name__
    line = ' '.join(words.split())
    if path is not None:
        line = '%s: %s' % (shown(path), line)
    return '%s (%s)' % (line, cure) if cure else line


def shown(path):
    """Return `path` for a line of text: control characters are escaped, and an empty one is ''."""
    return re.sub(r'[\0-\x1f\x7f]', lambda found: repr(found.group())[1:-1],
                  native_path(path)) or "''"


def _path_of(error):
    path = getattr(error, 'filename', None)
    return native_path(path) if isinstance(path, text_types) else None


def _cure_of_callers(what, error):
    if error.errno in (errno.EACCES, errno.EPERM):
        return 'user %s may not %s' % (user_name(os.geteuid()), _VERBS[what])
    return _CALLERS[what].get(error.errno, _ANYWHERE.get(error.errno))


def _cure(error, path, root):
    number = getattr(error, 'errno', None)
    place = _place(path, root)
    if isinstance(error, DamagedObject):
        # Its message says what to do. Its errno is EIO, but no disk need have failed.
        return None
    if place is None:
        return _ANYWHERE.get(number)
    if number in (errno.EACCES, errno.EPERM):
        return rights.cure(number, path, root)
    cures = _OBJECT if names.is_object(place) else {}
    return cures.get(number, _ROOT.get(number, _ANYWHERE.get(number)))


def _place(path, root):
    """Return `path` relative to `root`: '' for the root itself, None where it lies elsewhere."""
    if path is None or root is None:
        return None
    if path == root:
        return ''
    below = os.path.join(root, '')
    return path[len(below):] if path.startswith(below) else None
