"""The small root in which `check` works. It lies in the real root, of which nothing is changed.

If this process is killed, `sweep` finds it by its name, and removes the names that `check` makes.
"""

import contextlib
import os
import stat

from mezeo_fsstore import disk, names
from mezeo_fsstore.root import Root


class SmallRoot(object):
    """A new directory in `root`, a `Root`, with the permissions `mode`, to be a root itself."""

    def __init__(self, root, mode):
        self.path = root.join(names.new_check_root())
        self._mode = mode

    def make(self):
        """Make the directory."""
        make_directory(self.path, self._mode)

    def root(self):
        """Return a `Root` of it."""
        return Root(self.path)

    @contextlib.contextmanager
    def probe(self, content=b''):
        """For a `with`: make a file with `content`, give its path, and remove it at the end."""
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
        """Return the full path of a shard that is not there yet."""
        taken = set(disk.listdir(self.path))
        free = (name for name in ('%03x' % number for number in range(4096)) if name not in taken)
        return os.path.join(self.path, next(free))

    def new_name(self):
        """Return a fresh full path for a file in it."""
        return names.temporary_of(os.path.join(self.path, names.MARKER))

    def remove(self):
        """Remove it with all that `check` may have made in it. Raises the system's error.

        Other files stay: then the error is that the directory is not empty.
        """
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
        """As `remove`, if it is there, but raise no error of the system."""
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
