"""Read streams: real files, whole and unchanged whatever happens to the object."""

import os

from tests import Stream, content
from tests.support import RootTestCase


class ReadersTest(RootTestCase):

    def test_a_reader_keeps_its_content_through_delete_and_assign(self):
        for change in (lambda module_data: self.storage.delete(None, module_data),
                       lambda module_data: self.storage.assign(None, module_data, Stream(b'new')),
                       lambda module_data: self.storage.assign(None, module_data, Stream(b''))):
            module_data = self.put(content(3000000))
            with self.storage.get_read_stream(None, module_data) as stream:
                start = stream.read(10)
                change(module_data)
                self.assertTrue(content(3000000) == start + stream.read())
                stream.seek(1500000)
                self.assertEqual(content(3000000)[1500000:1500010], stream.read(10))

    def test_a_reader_is_a_binary_file(self):
        module_data = self.put(b'one\r\ntwo\nthree\0')
        with self.storage.get_read_stream(None, module_data) as stream:
            self.assertEqual([b'one\r\n', b'two\n', b'three\0'], list(stream))
            stream.seek(-6, os.SEEK_END)
            self.assertEqual(9, stream.tell())
            stream.seek(1, os.SEEK_CUR)
            self.assertEqual(b'hre', stream.read(3))
            self.assertEqual(15, os.fstat(stream.fileno()).st_size)
        self.assertTrue(stream.closed)

    def test_a_reader_can_not_write(self):
        module_data = self.put()
        with self.storage.get_read_stream(None, module_data) as stream:
            self.raised(EnvironmentError, os.write, stream.fileno(), b'x')

    def test_an_object_is_copied_on_the_server_from_its_own_reader(self):
        module_data, copy = self.put(content(2500000)), self.storage.new_data(None)
        with self.storage.get_read_stream(None, module_data) as stream:
            self.storage.assign(None, copy, stream)
        self.assertTrue(content(2500000) == self.get(copy))
        with self.storage.get_read_stream(None, module_data) as stream:
            self.storage.assign(None, module_data, stream)
        self.assertTrue(content(2500000) == self.get(module_data))
