"""A disk on paper: what may be left of a sequence of system calls when the power is cut.

It allows what POSIX allows, not what one filesystem does: of the data that was not synced any part
may be on the disk, in any order; of a name that was changed since its directory was synced, any
of its values since then; likewise of an attribute. A rename is atomic: the target has its old file,
or the new one.
"""

import itertools
import os


class File(object):
    """The writes to a file, of which so many are synced, and the values of its one attribute."""

    def __init__(self):
        self._writes, self._end, self._synced = [], 0, 0
        self._attributes = [None]

    def write(self, data):
        self._writes.append((self._end, bytes(data)))
        self._end += len(data)

    def set_attribute(self, value):
        self._attributes.append(value)

    def sync(self):
        self._synced = len(self._writes)
        self._attributes = self._attributes[-1:]

    def attributes(self):
        """Return all values that the attribute may have after a loss of power; None is none."""
        return set(self._attributes)

    def contents(self):
        """Return all contents that the file may have after a loss of power."""
        loose = range(self._synced, len(self._writes))
        kept = [set(some) for size in range(len(loose) + 1)
                for some in itertools.combinations(loose, size)]
        return set(self._content(some, end) for some in kept for end in (0, self._end))

    def _content(self, kept, end):
        # A file may have its length before its data, which is then zeros.
        content = bytearray(end)
        for number, (offset, data) in enumerate(self._writes):
            if number < self._synced or number in kept:
                content[len(content):] = bytearray(max(0, offset + len(data) - len(content)))
                content[offset:offset + len(data)] = data
        return bytes(content)


class Directory(object):
    """For each name the values that it may have: the synced one, and those since then."""

    def __init__(self):
        self._values = {}

    def set(self, name, value):
        self._values.setdefault(name, [None]).append(value)

    def get(self, name):
        return self._values.get(name, [None])[-1]

    def sync(self):
        for name in self._values:
            self._values[name] = self._values[name][-1:]

    def possible(self, name):
        return self._values.get(name, [None])


class ToyDisk(object):
    """Replays the calls of a `seam.Recording` below the directory `root`, which is on the disk."""

    def __init__(self, root):
        self._root = root
        self._top = Directory()
        self._descriptors = {}

    def replay(self, name, arguments, result):
        """Do what the call did."""
        play = getattr(self, '_' + name, None)
        if play:
            play(result, *arguments)

    def possible(self, path):
        """Return what `path`, relative to the root, may be after a loss of power.

        A set of pairs of a content and the attribute, in which None says that it may be missing.
        """
        nodes = [self._top]
        for name in path.split(os.sep):
            nodes = [value for node in nodes
                     for value in (node.possible(name) if isinstance(node, Directory) else [None])]
        found = set()
        for node in nodes:
            found |= set(itertools.product(node.contents(), node.attributes())
                         if isinstance(node, File) else [None])
        return found

    def _find(self, path):
        """Return the directory that holds `path`, and the name in it, as a process sees it now."""
        names = os.path.relpath(path, self._root).split(os.sep)
        node = self._top
        for name in names[:-1]:
            node = node.get(name)
        return node, names[-1]

    def _open(self, fd, path, flags, mode=None):
        directory, name = self._find(path)
        if flags & os.O_CREAT:
            directory.set(name, File())
        self._descriptors[fd] = self._top if name == '.' else directory.get(name)

    def _close(self, _, fd):
        self._descriptors.pop(fd, None)

    def _write(self, written, fd, data):
        self._descriptors[fd].write(data[:written])

    def _fsetxattr(self, _, fd, name, value):
        self._descriptors[fd].set_attribute(value)

    def _fsync(self, _, fd):
        self._descriptors[fd].sync()

    def _mkdir(self, _, path, mode=None):
        directory, name = self._find(path)
        directory.set(name, Directory())

    def _rename(self, _, source, target):
        directory, name = self._find(source)
        node = directory.get(name)
        directory.set(name, None)
        directory, name = self._find(target)
        directory.set(name, node)

    def _unlink(self, _, path):
        directory, name = self._find(path)
        directory.set(name, None)
