"""The small root in which `check` works, inside the real one: nothing else there is touched.

It holds only files and directories whose names tell that they may be removed, for `sweep` to find
if this process is killed.
"""

import contextlib
import os
import stat

from mezeo_fsstore import disk, names
from mezeo_fsstore.root import Root


class SmallRoot(object):
    """A directory with the permissions `mode` for a new root, in `root`, a `Root`."""

    def __init__(self, root, mode):
        self.path = root.join(names.new_check_root())
        self._mode = mode

    def make(self):
        """Make it."""
        make_directory(self.path, self._mode)

    def root(self):
        """Return a `Root` of it."""
        return Root(self.path)

    @contextlib.contextmanager
    def probe(self, content=b''):
        """Make a file in it for a `with`, which gets its path, and remove it after."""
        path = self.new_name()
        try:
            fd = disk.create(path)
            try:
                disk.write_all(fd, content, path)
            finally:
                disk.close(fd, path)
            yield path
        finally:
            disk.discard(path)

    def new_shard(self):
        """Return the path of a directory that may be made in it, and is not there yet."""
        taken = set(disk.listdir(self.path))
        free = (name for name in ('%03x' % number for number in range(4096)) if name not in taken)
        return os.path.join(self.path, next(free))

    def new_name(self):
        """Return the path of a file that may be made in it."""
        return names.temporary_of(os.path.join(self.path, names.MARKER))

    def remove(self):
        """Remove it and all in it that `check` may have made. Raises the system's error."""
        for name in list(disk.listdir(self.path)):
            path = os.path.join(self.path, name)
            if names.is_temporary(name):
                disk.remove(path)
            elif names.is_shard(name) and stat.S_ISDIR(disk.status_of_name(path).st_mode):
                for path_in_it in ['%s/%s' % (name, inner) for inner in disk.listdir(path)]:
                    if names.is_object(path_in_it) or names.is_temporary(path_in_it):
                        disk.remove(os.path.join(self.path, path_in_it))
                disk.remove_directory(path)
        disk.remove_directory(self.path)

    def discard(self):
        """Remove it while an error is on its way, if it is there."""
        try:
            self.remove()
        except EnvironmentError:
            pass


def make_directory(path, mode):
    """Make a directory with exactly the permissions `mode`, whatever the umask."""
    disk.make_directory(path, mode)
    fd = disk.open_directory(path)
    try:
        disk.set_mode(fd, mode, path)
    finally:
        disk.release(fd)
