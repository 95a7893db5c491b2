"""Read streams: real files, whole and unchanged whatever happens to the object."""

import errno
import io
import os
import socket
import threading
from wsgiref.handlers import SimpleHandler
from wsgiref.util import FileWrapper

from tests import Stream, content
from tests.support import RootTestCase, mock, unittest


class SendfileHandler(SimpleHandler):
    """A WSGI server that sends files as mod_wsgi does: the kernel moves them, from `fileno()`."""

    wsgi_file_wrapper = FileWrapper
    sent = 0

    def sendfile(self):
        self.send_headers()
        self.stdout.flush()
        descriptor = self.result.filelike.fileno()
        left = os.fstat(descriptor).st_size
        while left:
            some = os.sendfile(self.stdout.fileno(), descriptor, self.sent, left)
            self.sent, left = self.sent + some, left - some
        return True


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

    @unittest.skipUnless(hasattr(os, 'pread'), 'the files of Python 2 have a buffer')
    def test_the_descriptor_of_a_reader_is_where_the_reader_is(self):
        # Else a server that sends the rest of a file by its descriptor leaves out what is buffered.
        with self.storage.get_read_stream(None, self.put(content(100000))) as stream:
            stream.seek(1000)
            self.assertEqual(content(100000)[1000:1010], stream.read(10))
            self.assertEqual(1010, os.lseek(stream.fileno(), 0, os.SEEK_CUR))
            self.assertEqual(content(100000)[1010:], os.read(stream.fileno(), 100000))

    @unittest.skipUnless(hasattr(os, 'pread'), 'the files of Python 2 have a buffer')
    def test_lines_are_not_read_byte_by_byte(self):
        lines = [b'%d\n' % number for number in range(1000)]
        with self.storage.get_read_stream(None, self.put(b''.join(lines))) as stream:
            with mock.patch('os.pread', side_effect=os.pread) as pread:
                self.assertEqual(lines, list(stream))
            self.assertTrue(1000 <= pread.call_count <= 1001, pread.call_count)

    @unittest.skipUnless(hasattr(os, 'pread'), 'the files of Python 2 have no such method')
    def test_a_peek_shows_what_follows_and_does_not_move(self):
        with self.storage.get_read_stream(None, self.put(content(10000))) as stream:
            stream.seek(100)
            self.assertEqual(content(8292)[100:], stream.peek())
            self.assertEqual(100, stream.tell())
            stream.seek(9999)
            self.assertEqual(content(10000)[9999:], stream.peek(1))

    @unittest.skipUnless(hasattr(os, 'pread'), 'Python 2 has the type, but not for our files')
    def test_text_can_be_read_through_a_reader(self):
        module_data = self.put(u'\xe4\r\n\xf6'.encode('utf-8'))
        with self.storage.get_read_stream(None, module_data) as stream:
            text = io.TextIOWrapper(stream, encoding='utf-8')
            self.assertEqual([u'\xe4\n', u'\xf6'], list(text))

    def test_a_reader_can_not_write(self):
        module_data = self.put()
        with self.storage.get_read_stream(None, module_data) as stream:
            error = self.raised(EnvironmentError, os.write, stream.fileno(), b'x')
        self.assertEqual(errno.EBADF, error.errno)

    def test_an_object_is_copied_on_the_server_from_its_own_reader(self):
        module_data, copy = self.put(content(2500000)), self.storage.new_data(None)
        with self.storage.get_read_stream(None, module_data) as stream:
            self.storage.assign(None, copy, stream)
        self.assertTrue(content(2500000) == self.get(copy))
        with self.storage.get_read_stream(None, module_data) as stream:
            self.storage.assign(None, module_data, stream)
        self.assertTrue(content(2500000) == self.get(module_data))

    @unittest.skipUnless(hasattr(os, 'sendfile'), 'Python 2 has no sendfile')
    def test_a_server_sends_it_by_the_kernel(self):
        module_data = self.put(content(3000000))

        def download(environ, start_response):
            stream = self.storage.get_read_stream(None, module_data)
            start_response('200 OK', [('Content-Length', '3000000')])
            return environ['wsgi.file_wrapper'](stream)
        server, client = socket.socketpair()
        output = server.makefile('wb')
        handler = SendfileHandler(None, output, None, {'SERVER_PROTOCOL': 'HTTP/1.1'})
        handler.origin_server = False

        def serve():
            handler.run(download)
            output.close()
            server.close()
        thread = threading.Thread(target=serve)
        thread.start()
        received = client.makefile('rb')
        answer = received.read()
        thread.join()
        received.close()
        client.close()
        self.assertEqual(3000000, handler.sent)
        self.assertTrue(answer.startswith(b'Status: 200 OK\r\n'), answer[:50])
        self.assertTrue(answer.endswith(b'\r\n\r\n' + content(3000000)))
