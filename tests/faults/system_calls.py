"""A hand between the store and the system: each call of `mezeo_fsstore.disk` passes through here.

Use one of the classes for a `with`:

    with Recording() as seam:
        storage.assign(...)
    seam.calls
"""

import errno
import os

from mezeo_fsstore import disk
from tests.support import mock

CALLS = frozenset(['open', 'close', 'read', 'write', 'fsync', 'fstat', 'lstat', 'stat',
                   'statvfs', 'fchmod', 'rename', 'link', 'unlink', 'mkdir', 'lseek', 'ftruncate'])

# What each kind of call may answer, of what an administrator meets.
ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EMFILE,
          errno.ESTALE, errno.EINTR)


class Seam(object):
    """Stands where `disk` looks for `os`; `interpose` sees each call that reaches the system."""

    def __init__(self):
        # Attributes are not `os`'s on each Python.
        self._patches = [mock.patch.object(disk, 'os', self)] + [
            mock.patch.object(owner, name, self._through(call, getattr(owner, name)))
            for owner, name, call in (
                (disk, 'set_attribute', 'fsetxattr'), (disk, 'get_attribute', 'fgetxattr'),
                (disk, 'forget_pages', 'fadvise'), (disk.fcntl, 'ioctl', 'ioctl'),
                (disk, 'copy_file_range', 'copy_file_range'), (disk, 'sendfile', 'sendfile'))]

    def __enter__(self):
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *_):
        for patch in self._patches:
            patch.stop()

    def _through(self, name, original):
        return lambda *arguments: self.interpose(name, original, arguments)

    def __getattr__(self, name):
        original = getattr(os, name)
        if name not in CALLS:
            return original
        return self._through(name, original)

    def interpose(self, name, original, arguments):
        return original(*arguments)


class Recording(Seam):
    """Keeps (name, arguments, result) of each call that succeeds, in `calls`.

    `shorten` makes each write take half of what it is given, as a system may. With `failures`
    calls that fail are kept too; their result is None.
    """

    def __init__(self, shorten=False, failures=False):
        super(Recording, self).__init__()
        self.calls, self._shorten, self._failures = [], shorten, failures

    def interpose(self, name, original, arguments):
        if name == 'write' and self._shorten and len(arguments[1]) > 1:
            arguments = (arguments[0], arguments[1][:len(arguments[1]) // 2])
        try:
            result = original(*arguments)
        except EnvironmentError:
            if self._failures:
                self.calls.append((name, arguments, None))
            raise
        self.calls.append((name, arguments, result))
        return result


class Death(BaseException):
    """What a process that is gone can't catch: every later call raises it as well."""


class Dying(Recording):
    """The process dies before its call number `last`; what it had open is closed for it."""

    def __init__(self, last):
        super(Dying, self).__init__()
        self._last, self._open = last, set()

    def interpose(self, name, original, arguments):
        if len(self.calls) >= self._last:
            raise Death
        result = super(Dying, self).interpose(name, original, arguments)
        if name == 'open':
            self._open.add(result)
        elif name == 'close':
            self._open.discard(arguments[0])
        return result

    def __exit__(self, *_):
        super(Dying, self).__exit__()
        for fd in self._open:
            os.close(fd)


class Failing(Seam):
    """Of the calls that `fits(name, arguments)`, number `place` fails with the errno `number`.

    A close is done all the same, as on Linux. The error has a path where Python gives one on each
    version: in calls that take a path, but not in `rename` and `link`.

    An exception class in the place of `number` is raised as a signal, a timeout of gevent or a lack
    of memory does it in any call. With `later`, one of either kind, each call after it fails too.
    """

    def __init__(self, number, place=0, fits=lambda name, arguments: True, later=None):
        super(Failing, self).__init__()
        self._number, self._place, self._fits, self.later = number, place, fits, later
        # The name of the call that failed with its arguments, and the path that it was about.
        self.failed, self.path = None, None
        self.failed_again = False
        # The names of the calls before it.
        self.before = []

    def interpose(self, name, original, arguments):
        if self.failed and self.later:
            self.failed_again = True
            self._fail(self.later, name, original, arguments)
        if self._fits(name, arguments):
            self._place -= 1
            if self._place == -1:
                self.failed = (name, arguments)
                self.path = arguments[-1] if name in ('rename', 'link') else arguments[0]
                if isinstance(self.path, int):
                    self.path = os.readlink('/proc/self/fd/%d' % self.path)
                self._fail(self._number, name, original, arguments)
        if not self.failed:
            self.before.append(name)
        return original(*arguments)

    def _fail(self, number, name, original, arguments):
        if name == 'close':
            original(*arguments)
        if not isinstance(number, int):
            raise number('in the call %s' % name)
        path = arguments[0] if isinstance(arguments[0], str) else None
        raise OSError(number, os.strerror(number), None if name in ('rename', 'link') else path)
