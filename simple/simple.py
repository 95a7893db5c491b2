"""A correct storage module in as few lines as possible. Copy it and put your storage in.

The comments say why the contract in `modules` needs a step. `mezeo_fsstore` also syncs to the disk.
"""

import errno
import os
import re
import uuid

from modules import StorageModule


class SimpleStorage(StorageModule):
    """Keeps objects as files `<random>.dat` in the existing directory `storage_dir`."""

    def __init__(self, storage_dir='/tmp/storage'):
        # Threads share the instance, so nothing that it keeps may change later.
        self.storage_dir = storage_dir

    def new_data(self, context):
        # Random, because other processes and nodes make names at the same time.
        return uuid.uuid4().hex + '.dat'

    def assign(self, context, module_data, stream):
        path = self._path(module_data)
        # Another name until all bytes are there, so that a part is never taken for the object.
        temporary = path + '.' + uuid.uuid4().hex
        try:
            with open(temporary, 'wb') as target:  # binary: text mode would change the bytes
                piece = None
                while piece != b'':
                    piece = stream.read(65536)
                    if not isinstance(piece, bytes):  # None means: nothing has come yet
                        raise TypeError('the stream returned %r, not bytes' % (piece,))
                    target.write(piece)
            os.rename(temporary, path)
        except:
            # Clients hang up every day. That must leave nothing behind.
            _remove(temporary)
            raise

    def available(self, context, module_data):
        # After False the platform copies the object here, so it must be certain. Any error but "no
        # such file" is raised, and that one too if the directory itself is missing.
        try:
            os.stat(self._path(module_data))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            os.stat(self.storage_dir)
            return False
        return True

    def get_read_stream(self, context, module_data):
        return open(self._path(module_data), 'rb')

    def delete(self, context, module_data):
        _remove(self._path(module_data))

    def get_size(self, context, module_data):
        return os.path.getsize(self._path(module_data))

    def statistics(self, context):
        try:
            volume = os.statvfs(self.storage_dir)
        except OSError:
            return {'capacity': {'total': -1, 'free': -1, 'used': -1}}
        total, free = volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize
        return {'capacity': {'total': total, 'free': free, 'used': total - free}}

    def _path(self, module_data):
        # It comes back from a database. Only a name that this module has made may become a path.
        if not re.match(r'[0-9a-f]{32}\.dat\Z', module_data):
            raise ValueError('not a module_data of SimpleStorage: %r' % (module_data,))
        return os.path.join(self.storage_dir, module_data)


def _remove(path):
    try:
        os.remove(path)
    except OSError as error:
        # The file is gone, as wanted: the platform repeats a delete whose answer it did not get.
        if error.errno != errno.ENOENT:
            raise
