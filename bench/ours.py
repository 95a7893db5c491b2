"""The modules of this project, by their public interface alone."""

import json
import os

from bench.contender import Contender, read_chunks


class Module(Contender):
    """Any storage module: `self.storage` is the instance, a key is its `module_data`."""

    def put(self, stream):
        module_data = self.storage.new_data(None)
        self.storage.assign(None, module_data, stream)
        return module_data

    def copy(self, key):
        """As the platform does it: the object's own stream becomes another object."""
        with self.storage.get_read_stream(None, key) as stream:
            return self.put(stream)

    def get(self, key):
        with self.storage.get_read_stream(None, key) as stream:
            return stream.read()

    def chunks(self, key):
        return read_chunks(self.storage.get_read_stream(None, key))

    def get_range(self, key, offset, length):
        with self.storage.get_read_stream(None, key) as stream:
            stream.seek(offset)
            return stream.read(length)

    def missing(self):
        return self.storage.new_data(None)

    def exists(self, key):
        return self.storage.available(None, key)

    def size(self, key):
        return self.storage.get_size(None, key)

    def delete(self, key):
        self.storage.delete(None, key)

    def statistics(self):
        return self.storage.statistics(None)


class Ours(Module):
    """mezeo_fsstore with `durable=False`, all of its shards made beforehand."""

    digest = None

    def __init__(self, root):
        from mezeo_fsstore import FilesystemStorage
        super().__init__(root)
        self.storage = FilesystemStorage(root=root, durable=self.durable, digest=self.digest)
        self._make_shards()

    def _make_shards(self):
        # Which there are, only new names tell: until many in a row bring no new one.
        known, unchanged = set(os.listdir(self.root)), 0
        for path in self.paths(200000):
            shard = os.path.dirname(path)
            unchanged += 1
            if os.path.basename(shard) not in known:
                os.makedirs(shard, exist_ok=True)
                known.add(os.path.basename(shard))
                unchanged = 0
            if unchanged == 50000:
                return

    def put(self, stream):
        return self.storage.put(None, stream)

    def paths(self, count):
        for _ in range(count):
            yield os.path.join(self.root, json.loads(self.storage.new_data(None))['path'])


class WithDigest(Ours):
    """It does not sync, and keeps a digest."""

    digest = 'sha256'


class DurableOurs(Ours):
    """mezeo_fsstore as it is by default: it syncs, and keeps a digest with each object."""

    durable = True


class WithoutDigest(DurableOurs):
    """It syncs, and keeps no digest."""

    digest = 'none'


class _Chunks(Ours):
    """Chunks of another size than the one that was chosen: see docs/speed/growth.md."""

    size = 0

    def put(self, stream):
        from mezeo_fsstore import streams
        chosen, streams.CHUNK_SIZE = streams.CHUNK_SIZE, self.size
        try:
            return super().put(stream)
        finally:
            streams.CHUNK_SIZE = chosen


class Chunks64K(_Chunks):
    size = 64 * 1024


class Chunks1M(_Chunks):
    size = 1024 * 1024


class Chunks4M(_Chunks):
    size = 4096 * 1024


class Simple(Module):
    """The reference module."""

    def __init__(self, root):
        from simple.simple import SimpleStorage
        super().__init__(root)
        self.storage = SimpleStorage(root)

    def paths(self, count):
        return (os.path.join(self.root, self.storage.new_data(None)) for _ in range(count))
