"""The peers that people would pick, each as its documentation says to use it.

Imports are inside, so that a peer that can't be had here costs only itself.
"""

import logging
import os
import uuid

from bench.contender import CHUNK_SIZE, Named, read_chunks


class Filedepot(Named):
    """A folder and a file of metadata for each object."""

    in_place = True

    def __init__(self, root):
        from depot.io.local import LocalFileStorage
        super().__init__(root)
        self._depot = LocalFileStorage(root)

    def missing(self):
        return str(uuid.uuid4())

    def put(self, stream):
        return self._depot.create(stream, 'object', 'application/octet-stream')

    def copy(self, key):
        with self._depot.get(key) as stream:
            return self._depot.create(stream)

    def get(self, key):
        with self._depot.get(key) as stream:
            return stream.read()

    def chunks(self, key):
        return read_chunks(self._depot.get(key))

    def exists(self, key):
        return self._depot.exists(key)

    def size(self, key):
        return self._depot.get(key).content_length

    def delete(self, key):
        self._depot.delete(key)


class Minimalkv(Named):
    """A file for each key."""

    in_place = True

    def __init__(self, root):
        from minimalkv.fs import FilesystemStore
        super().__init__(root)
        self._store = FilesystemStore(root)

    def put(self, stream):
        return self._store.put_file(self.next_name(), stream)

    def copy(self, key):
        return self._store.copy(key, self.next_name())

    def get(self, key):
        return self._store.get(key)

    def chunks(self, key):
        return read_chunks(self._store.open(key))

    def get_range(self, key, offset, length):
        with self._store.open(key) as stream:
            stream.seek(offset)
            return stream.read(length)

    def exists(self, key):
        return key in self._store

    def delete(self, key):
        self._store.delete(key)


class Libcloud(Named):
    """A file for each object, and a lock file while it is written."""

    in_place = True

    def __init__(self, root):
        from libcloud.storage.drivers.local import LocalStorageDriver
        super().__init__(root)
        self._driver = LocalStorageDriver(root)
        os.makedirs(os.path.join(root, 'objects'), exist_ok=True)
        self._container = self._driver.get_container('objects')

    def put(self, stream):
        chunks = iter(lambda: stream.read(CHUNK_SIZE), b'')
        return self._driver.upload_object_via_stream(
            chunks, self._container, self.next_name()).name

    def get(self, key):
        return b''.join(self.chunks(key))

    def chunks(self, key):
        return self._driver.download_object_as_stream(self._object(key), CHUNK_SIZE)

    def get_range(self, key, offset, length):
        return b''.join(self._driver.download_object_range_as_stream(
            self._object(key), offset, offset + length))

    def exists(self, key):
        from libcloud.storage.types import ObjectDoesNotExistError
        try:
            self._object(key)
        except ObjectDoesNotExistError:
            return False
        return True

    def size(self, key):
        return self._object(key).size

    def delete(self, key):
        self._driver.delete_object(self._object(key))

    def _object(self, key):
        return self._driver.get_object('objects', key)


class Django(Named):
    """What a Django site stores uploads with."""

    in_place = True

    def __init__(self, root):
        from django.conf import settings
        from django.core.files.base import File
        from django.core.files.storage import FileSystemStorage
        if not settings.configured:
            settings.configure()
        super().__init__(root)
        self._file = File
        self._storage = FileSystemStorage(root)

    def put(self, stream):
        return self._storage.save(self.next_name(), self._file(stream))

    def copy(self, key):
        with self._storage.open(key) as stream:
            return self._storage.save(self.next_name(), stream)

    def get(self, key):
        with self._storage.open(key) as stream:
            return stream.read()

    def chunks(self, key):
        with self._storage.open(key) as stream:
            yield from stream.chunks(CHUNK_SIZE)

    def get_range(self, key, offset, length):
        with self._storage.open(key) as stream:
            stream.seek(offset)
            return stream.read(length)

    def exists(self, key):
        return self._storage.exists(key)

    def size(self, key):
        return self._storage.size(key)

    def delete(self, key):
        self._storage.delete(key)


class Fsspec(Named):
    """Files by their path."""

    in_place = True

    def __init__(self, root):
        from fsspec.implementations.local import LocalFileSystem
        super().__init__(root)
        self._system = LocalFileSystem()

    def missing(self):
        return os.path.join(self.root, super().missing())

    def paths(self, count):
        return (self.missing() for _ in range(count))

    def put(self, stream):
        key = self.next_name()
        with self._system.open(key, 'wb') as target:
            for chunk in iter(lambda: stream.read(CHUNK_SIZE), b''):
                target.write(chunk)
        return key

    def copy(self, key):
        new = self.next_name()
        self._system.cp_file(key, new)
        return new

    def get(self, key):
        return self._system.cat_file(key)

    def chunks(self, key):
        return read_chunks(self._system.open(key))

    def get_range(self, key, offset, length):
        return self._system.cat_file(key, offset, offset + length)

    def exists(self, key):
        return self._system.exists(key)

    def size(self, key):
        return self._system.size(key)

    def delete(self, key):
        self._system.rm_file(key)


class Obstore(Named):
    """The only peer that renames; in Rust, with threads of its own. Its copy is a hard link."""

    def __init__(self, root):
        import obstore
        super().__init__(root)
        self._obstore = obstore
        self._store = obstore.store.LocalStore(root)

    def put(self, stream):
        key = self.next_name()
        self._obstore.put(self._store, key, stream)
        return key

    def copy(self, key):
        new = self.next_name()
        self._obstore.copy(self._store, key, new)
        return new

    def get(self, key):
        return self._obstore.get(self._store, key).bytes()

    def chunks(self, key):
        return iter(self._obstore.get(self._store, key).stream(CHUNK_SIZE))

    def get_range(self, key, offset, length):
        return self._obstore.get_range(self._store, key, start=offset, length=length)

    def exists(self, key):
        try:
            self._obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def size(self, key):
        return self._obstore.head(self._store, key)['size']

    def delete(self, key):
        self._obstore.delete(self._store, key)


class Atomicwrites(Named):
    """Writes only: it is no store."""

    durable = True

    def __init__(self, root):
        from atomicwrites import AtomicWriter
        super().__init__(root)
        self._writer = AtomicWriter

    def missing(self):
        return os.path.join(self.root, super().missing())

    def put(self, stream):
        key = self.next_name()
        with self._writer(key, 'wb', overwrite=True).open() as target:
            for chunk in iter(lambda: stream.read(CHUNK_SIZE), b''):
                target.write(chunk)
        return key

    def chunks(self, key):
        """No part of the peer: to verify what it wrote."""
        return read_chunks(open(key, 'rb'))

    def discard(self, key):
        """No part of the peer either."""
        os.unlink(key)


class Swift(Named):
    """The files of OpenStack's object server, without the server. It checks an MD5 as well."""

    durable = True

    def __init__(self, root):
        from swift.common.storage_policy import POLICIES
        from swift.common.utils import Timestamp, get_logger
        from swift.obj.diskfile import DiskFileManager
        super().__init__(root)
        logging.disable(logging.CRITICAL)
        os.makedirs(os.path.join(root, 'disk'), exist_ok=True)
        self._timestamp = Timestamp.now
        self._policy = POLICIES[0]
        self._manager = DiskFileManager({'devices': root, 'mount_check': 'false'}, get_logger({}))

    def _file(self, key):
        return self._manager.get_diskfile('disk', '0', 'a', 'c', key, policy=self._policy)

    def put(self, stream):
        key, timestamp = self.next_name(), self._timestamp()
        with self._file(key).create() as writer:
            for chunk in iter(lambda: stream.read(CHUNK_SIZE), b''):
                writer.write(chunk)
            size, md5 = writer.chunks_finished()
            writer.put({'X-Timestamp': timestamp.internal, 'Content-Length': str(size),
                        'Content-Type': 'application/octet-stream', 'ETag': md5})
            writer.commit(timestamp)
        return key

    def get(self, key):
        return b''.join(self.chunks(key))

    def chunks(self, key):
        disk_file = self._file(key)
        with disk_file.open():
            reader = disk_file.reader()
        yield from reader

    def get_range(self, key, offset, length):
        disk_file = self._file(key)
        with disk_file.open():
            reader = disk_file.reader()
        return b''.join(reader.app_iter_range(offset, offset + length))

    def exists(self, key):
        from swift.common.exceptions import DiskFileNotExist
        try:
            self._file(key).read_metadata()
        except DiskFileNotExist:
            return False
        return True

    def size(self, key):
        with self._file(key).open() as disk_file:
            return disk_file.content_length

    def delete(self, key):
        self._file(key).delete(self._timestamp())
