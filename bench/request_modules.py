"""The storage modules that bench/requests.py compares with ours, in the platform's processes."""

import io
import os
import threading

from bench.floor import DurableHashingFloor

# As large as those of ours and of the bare calls.
_CHUNK_SIZE = 256 * 1024


class BareCalls(DurableHashingFloor):
    """The calls of the system alone, with our duties: a key of the floor is the module_data."""

    def new_data(self, context):
        return self.missing()

    def assign(self, context, key, stream):
        self.put_as(key, stream)

    def get_size(self, context, key):
        return self.size(key)

    def get_read_stream(self, context, key):
        return io.FileIO(self.open(key))


class Nothing:
    """Keeps nothing: it reads what is uploaded and drops it.

    It serves a file that lies in `folder` and is named by its size, which is its module_data. Each
    thread keeps it open, so that a download costs no call for a path.
    """

    def __init__(self, folder):
        self._folder = folder
        self._opened = threading.local()

    def new_data(self, context):
        return '0'

    def assign(self, context, module_data, stream):
        while stream.read(_CHUNK_SIZE):
            pass

    def get_size(self, context, module_data):
        return int(module_data)

    def get_read_stream(self, context, module_data):
        files = self._opened.__dict__
        if module_data not in files:
            files[module_data] = os.open(os.path.join(self._folder, module_data), os.O_RDONLY)
        os.lseek(files[module_data], 0, os.SEEK_SET)
        return io.FileIO(files[module_data], closefd=False)
