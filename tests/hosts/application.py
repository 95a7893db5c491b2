"""The platform as a WSGI application: what each process of a server's daemons runs in test_apache.

On the node it lies beside `miniature.py` and `registrations.json`, a list of an administrator's
texts. The path names a method, the header `Arguments` holds its arguments as JSON, and an object
travels as the platform's database keeps it: tests/hosts/http_client.py is the other end.
"""

import errno
import json
import os

from miniature import Platform, RangeError
from modules import StorageModule

BLOCK = 65536
CREATED, OK, PART = '201 Created', '200 OK', '206 Partial Content'


class Application(object):
    """Answers requests with what a `Platform` of these registrations returns."""

    def __init__(self, registrations):
        self.platform = Platform(registrations)

    def __call__(self, environ, start_response):
        try:
            method = getattr(self, 'do_' + environ['PATH_INFO'].strip('/'))
            status, headers, body = method(environ, **json.loads(environ['HTTP_ARGUMENTS']))
        except Exception as error:
            text = '%s: %s' % (type(error).__name__, error)
            status, headers, body = as_json(status_of(error), text)
        start_response(status, headers)
        return body

    def do_upload(self, environ, place):
        # What a client that vanishes has sent is never taken for the whole: mod_wsgi then raises
        # in `read`, be it with a Content-Length or chunked, and so the module sees an error.
        return as_json(CREATED, self.platform.upload(place, environ['wsgi.input']))

    def do_download(self, environ, stored, place):
        if 'HTTP_RANGE' in environ:
            first, last = environ['HTTP_RANGE'].replace('bytes=', '').split('-')
            part = self.platform.download(stored, place, int(first), int(last) + 1)
            return PART, of_length(len(part)), [part]
        size = self.platform.size(stored, place)
        stream = self.platform.module(place).get_read_stream(self.platform.context,
                                                             stored['places'][place])
        # With WSGIEnableSendfile the kernel sends the file behind it.
        return OK, of_length(size), environ['wsgi.file_wrapper'](stream, BLOCK)

    def do_head(self, environ, stored, place):
        return OK, of_length(self.platform.size(stored, place)), []

    def do_available(self, environ, stored, place):
        return as_json(OK, self.platform.available(stored, place))

    def do_replicate(self, environ, stored, source, target):
        return as_json(OK, self.platform.replicate(stored, source, target))

    def do_copy(self, environ, stored, source, target):
        return as_json(CREATED, self.platform.copy(stored, source, target))

    def do_delete(self, environ, stored):
        self.platform.delete(stored)
        return '204 No Content', [], []

    def do_statistics(self, environ, place):
        return as_json(OK, self.platform.statistics(place))

    def do_about(self, environ):
        return as_json(OK, {
            'process': os.getpid(), 'interpreter': environ['mod_wsgi.application_group'],
            'modules': sorted(self.platform.modules), 'instances': StorageModule.instances,
            'origins': [self.platform.origin(place) for place in self.platform.modules]})


def as_json(status, value):
    body = json.dumps(value).encode('ascii')
    return status, of_length(len(body)), [body]


def of_length(size):
    return [('Content-Type', 'application/octet-stream'), ('Content-Length', str(size))]


def status_of(error):
    if isinstance(error, RangeError):
        return '416 Range Not Satisfiable'
    if getattr(error, 'errno', None) == errno.ENOENT:
        return '404 Not Found'
    return '500 Internal Server Error'


def registrations():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           'registrations.json')) as source:
        return json.load(source)


# Once a process, and for each interpreter in it: a script is imported once.
application = Application(registrations())
