"""A client of the platform over HTTP: the other end of tests/hosts/application.py."""

import json
import socket
import struct

try:
    from http.client import HTTPConnection, HTTPException
except ImportError:
    # Python 2, which runs no server that could be asked.
    HTTPConnection = HTTPException = None

HOST = '127.0.0.1'
PATIENCE = 60

# How a connection ends: in order; as a crashed machine's does; or for one direction only.
ENDS = ('close', 'reset', 'half-close')


class Unanswered(Exception):
    """The server has failed, or has gone away before all of its answer was there."""


class Refused(Exception):
    """The server has refused a request: `status` is its number."""

    def __init__(self, status, text):
        super(Refused, self).__init__('%d %s' % (status, text))
        self.status = status


class Client(object):
    """Calls the application that a server on `port` has under `prefix`."""

    def __init__(self, port, prefix):
        self._port, self._prefix = port, prefix

    def upload(self, place, data):
        """Store `data`, bytes or an iterable of chunks; return the object."""
        return self._json('upload', data, place=place)

    def download(self, stored, place, start=None, end=None):
        """Return the bytes of an object, or those from `start` up to `end`."""
        headers = {} if start is None else {'Range': 'bytes=%d-%d' % (start, end - 1)}
        return self._call('download', headers=headers, stored=stored, place=place)[1]

    def size(self, stored, place):
        """Return the size that a HEAD request is told."""
        response, _ = self._call('head', method='HEAD', stored=stored, place=place)
        # Apache leaves a 0 out.
        return int(response.getheader('Content-Length') or 0)

    def available(self, stored, place):
        return self._json('available', stored=stored, place=place)

    def replicate(self, stored, source, target):
        """Return the object, and whether anything was copied."""
        return self._json('replicate', stored=stored, source=source, target=target)

    def copy(self, stored, source, target):
        return self._json('copy', stored=stored, source=source, target=target)

    def delete(self, stored):
        self._call('delete', stored=stored)

    def statistics(self, place):
        return self._json('statistics', place=place)

    def about(self):
        return self._json('about')

    def begin_upload(self, place, data, part, chunked=False):
        """Send `part` of the bytes of an upload; return the connection."""
        length = 'Transfer-Encoding: chunked' if chunked else 'Content-Length: %d' % len(data)
        piece = data[:part]
        if chunked and part:
            piece = ('%x\r\n' % part).encode('ascii') + piece + b'\r\n'
        return self._send('POST', 'upload', {'place': place}, length, piece)

    def begin_download(self, stored, place):
        """Ask for an object; return the connection, of which nothing was read yet."""
        return self._send('GET', 'download', {'stored': stored, 'place': place}, 'Accept: */*')

    def _send(self, method, name, arguments, header, body=b''):
        try:
            connection = socket.create_connection((HOST, self._port), PATIENCE)
        except EnvironmentError as error:
            raise Unanswered('%s: %r' % (name, error))
        try:
            connection.sendall(('%s %s/%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n'
                                'Arguments: %s\r\n%s\r\n\r\n'
                                % (method, self._prefix, name, HOST, json.dumps(arguments), header)
                                ).encode('ascii') + body)
        except BaseException:
            connection.close()
            raise
        return connection

    def _json(self, name, body=b'', **arguments):
        return json.loads(self._call(name, body, **arguments)[1].decode('ascii'))

    def _call(self, name, body=b'', method='POST', headers=None, **arguments):
        """Return the response and its body, all of it. Raises Unanswered, Refused."""
        connection = HTTPConnection(HOST, self._port, timeout=PATIENCE)
        try:
            connection.request(method, '%s/%s' % (self._prefix, name), body, dict(
                headers or {}, Connection='close', Arguments=json.dumps(arguments)))
            response = connection.getresponse()
            content = response.read()
        except (EnvironmentError, HTTPException) as error:
            raise Unanswered('%s: %r' % (name, error))
        finally:
            connection.close()
        if response.status >= 500:
            raise Unanswered('%s: %d %s' % (name, response.status, content.decode('utf-8')))
        if response.status >= 300:
            raise Refused(response.status, content.decode('utf-8'))
        return response, content


def vanish(connection, end):
    """End a connection before its time, in one of the ways of `ENDS`.

    Returns what the server still says to one that has only closed his direction, else nothing.
    """
    try:
        if end == 'half-close':
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)
        if end == 'reset':
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        return b''
    except EnvironmentError:
        return b''
    finally:
        connection.close()


def read_all(connection):
    """Return what the server says until it closes the connection."""
    return b''.join(iter(lambda: connection.recv(65536), b''))
