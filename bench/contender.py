"""What all that is measured looks like to the rows, whatever its own interface is."""

import collections
import os
import uuid

CHUNK_SIZE = 1024 * 1024


class Contender:
    """A store below the existing directory `root`. A subclass has the methods that its peer can do.

    Those a row may ask for, each taking or returning a key of the peer's own kind:
    `put(stream)` -> key, `get(key)` -> bytes, `chunks(key)` -> iterator of bytes,
    `get_range(key, offset, length)` -> bytes, `exists(key)`, `size(key)`, `delete(key)`,
    `copy(key)` -> key, `statistics()`, `missing()` -> the key of no object, `paths(count)` ->
    where that many new objects would lie.
    """

    #: Whether a change has reached the disk when the call returns.
    durable = False
    #: Written under its final name: a crash leaves a part of it there.
    in_place = False

    def __init__(self, root):
        self.root = root

    def prepare(self, count):
        """Make ready, untimed, for that many new objects."""

    def discard(self, key):
        """Remove an object that has served its turn, untimed."""
        self.delete(key)


class Named(Contender):
    """One whose caller chooses the names: they are made in `prepare`, so that none pays for it."""

    def __init__(self, root):
        super().__init__(root)
        self._names = collections.deque()

    def prepare(self, count):
        self._names.extend(self.missing() for _ in range(count))

    def missing(self):
        return uuid.uuid4().hex

    def paths(self, count):
        return (os.path.join(self.root, self.missing()) for _ in range(count))

    def next_name(self):
        """Return the next of the prepared names. Threads may share them."""
        return self._names.popleft()


def read_chunks(stream):
    """Yield what is left in `stream` and close it."""
    with stream:
        while True:
            chunk = stream.read(CHUNK_SIZE)
            if not chunk:
                return
            yield chunk
