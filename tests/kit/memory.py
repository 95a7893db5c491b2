"""A storage module that keeps its objects in the memory of one process. For tests only."""

import io
import uuid

from modules import StorageModule


class MemoryStorage(StorageModule):
    """Keeps objects in the dictionary `objects`, which instances may share."""

    def __init__(self, objects=None):
        super(MemoryStorage, self).__init__()
        self.objects = {} if objects is None else objects

    def new_data(self, context):
        return uuid.uuid4().hex

    def assign(self, context, module_data, stream):
        self.objects[module_data] = self.take(stream)

    def take(self, stream):
        """Return all bytes of `stream`."""
        data, piece = b'', None
        while piece != b'':
            piece = stream.read(65536)
            if not isinstance(piece, bytes):
                raise TypeError('the stream returned %r, not bytes' % (piece,))
            data += piece
        return data

    def available(self, context, module_data):
        return module_data in self.objects

    def get_read_stream(self, context, module_data):
        return io.BytesIO(self.objects[module_data])

    def delete(self, context, module_data):
        self.objects.pop(module_data, None)

    def get_size(self, context, module_data):
        return len(self.objects[module_data])

    def statistics(self, context):
        return {'capacity': {'total': -1, 'free': -1, 'used': -1}}

    def put(self, context, stream):
        module_data = self.new_data(context)
        self.assign(context, module_data, stream)
        return module_data

    def capabilities(self, context):
        return {}
