"""A small platform: it registers modules, and calls them as the documentation of `modules` says.

    platform = Platform(['{"module": "newstore.newstore.NewStorage", "label": "New", "args": {}}'])
    stored = platform.upload('New', stream)
    platform.download(stored, 'New', 10, 20)

A `Platform` is one server process. `python -m tests.kit.miniature` runs one in its own process,
which is called by lines of JSON, and `Server` is the caller's side of that. What a call returns
about an object is what the platform's database keeps: any server process understands it.
"""

import base64
import io
import json
import sys
import traceback

PIECE = 65536


class RangeError(Exception):
    """The requested range does not lie within the object."""


class Platform(object):
    """A server process with the modules of `registrations`, a list of texts of JSON.

    A module is found by its label. `revision` is 2009, that of the guide, or 2012.
    """

    def __init__(self, registrations, revision=2009):
        self.modules, self.revision = {}, revision
        self.context = {'func': {'getModule': self.module}}
        for registration in registrations:
            self.register(registration)

    def register(self, text):
        """Import the class that the registration names, and make its one instance."""
        registration = json.loads(text)
        package, name = registration['module'].rsplit('.', 1)
        kind = getattr(__import__(package, fromlist=[str(name)]), name)
        # Python 2.6 takes no `unicode` for the name of a parameter.
        arguments = dict((str(key), value) for key, value in registration['args'].items())
        self.modules[registration['label']] = kind(**arguments)

    def module(self, name):
        """Return the instance that is registered under `name`: the `getModule` of the context."""
        return self.modules[name]

    def upload(self, place, stream):
        """Store a stream; return the object, as the platform's database keeps it."""
        module, counting = self.module(place), Counting(stream)
        if self.revision == 2012:
            module_data = module.put(self.context, counting)
        else:
            module_data = module.new_data(self.context)
            module.assign(self.context, module_data, counting)
        return through_database({'size': counting.size, 'places': {place: module_data}})

    def download(self, stored, place, start=0, end=None):
        """Return the bytes from `start` up to, not including, `end`; None is the size.

        Raises RangeError, and EOFError where the stream ends too early.
        """
        module, module_data = self.module(place), stored['places'][place]
        size = self.size(stored, place)
        end = size if end is None else end
        if not 0 <= start <= end <= size:
            raise RangeError('%d to %d of %d bytes' % (start, end, size))
        stream = module.get_read_stream(self.context, module_data)
        try:
            stream.seek(start)
            return read_fully(stream, end - start)
        finally:
            stream.close()

    def size(self, stored, place):
        """Return the size: from the module, but in revision 2012 from the database."""
        if self.revision == 2012:
            return stored['size']
        return self.module(place).get_size(self.context, stored['places'][place])

    def replicate(self, stored, source, target):
        """Copy the object to `target` unless it is there; return it, and whether it was copied.

        It has the same module_data there. In revision 2012 it has the one that `put` returns there.
        """
        places = stored['places']
        module, module_data = self.module(target), places.get(target, places[source])
        if self.revision == 2012:
            if target in places and module.available(self.context, module_data):
                return stored, False
            module_data = self._pass_on(stored, source, module.put)
        elif module.available(self.context, module_data):
            return stored, False
        else:
            self._pass_on(stored, source, module.assign, module_data)
        return through_database(dict(stored, places=dict(places, **{target: module_data}))), True

    def copy(self, stored, source, target):
        """Return a new object of the same content at `target`: a server-side copy."""
        module, size = self.module(target), self.size(stored, source)
        if self.revision == 2012:
            module_data = self._pass_on(stored, source, module.put)
        else:
            module_data = module.new_data(self.context)
            self._pass_on(stored, source, module.assign, module_data)
        return through_database({'size': size, 'places': {target: module_data}})

    def delete(self, stored):
        """Destroy the object at all its places."""
        for place in stored['places']:
            self.module(place).delete(self.context, stored['places'][place])

    def available(self, stored, place):
        """Return whether the object is at `place`."""
        module_data = stored['places'].get(place, list(stored['places'].values())[0])
        return self.module(place).available(self.context, module_data)

    def statistics(self, place):
        """Return the statistics of a module, as the user interfaces get them."""
        return through_database(self.module(place).statistics(self.context))

    def capabilities(self, place):
        """Return the CDMI capabilities of a module of revision 2012."""
        return through_database(self.module(place).capabilities(self.context))

    def origin(self, place):
        """Return the path of the file that the class of a module comes from."""
        return sys.modules[type(self.module(place)).__module__].__file__

    def _pass_on(self, stored, source, method, *arguments):
        """Call `method`, which stores a stream, with the read stream of an object."""
        stream = self.module(source).get_read_stream(self.context, stored['places'][source])
        try:
            return method(self.context, *(arguments + (stream,)))
        finally:
            stream.close()


class Counting(object):
    """The stream of an upload, with nothing but `read`. It counts the bytes in `size`."""

    def __init__(self, stream):
        self._stream, self.size = stream, 0

    def read(self, size=-1):
        piece = self._stream.read(size)
        self.size += len(piece)
        return piece


def through_database(value):
    """Return `value` as it comes back from a database that keeps it as JSON."""
    return json.loads(json.dumps(value))


def read_fully(stream, size):
    """Return `size` bytes, in as many reads as are needed. Raises EOFError if there are fewer."""
    pieces = []
    while size > 0:
        piece = stream.read(min(size, PIECE))
        if not piece:
            raise EOFError('%d bytes are missing' % size)
        pieces.append(piece)
        size -= len(piece)
    return b''.join(pieces)


class Server(object):
    """A server process, to be called from a test: `server.call('upload', 'Simple', content)`.

    `start` is a function that starts Python with its arguments, the three streams as pipes, and
    returns the process. An exception in the server is raised here as RuntimeError, with its
    traceback as the text.
    """

    def __init__(self, start, registrations, revision=2009):
        self._process = start('-m', 'tests.kit.miniature', json.dumps([registrations, revision]))

    def call(self, name, *arguments):
        """Call a method of the server's `Platform`; streams and contents are bytes here."""
        self.ask(name, *arguments)
        return self.answer()

    def ask(self, name, *arguments):
        """Start a call. Between `ask` and `answer` other servers can work at the same time."""
        line = json.dumps([name, [to_json(argument) for argument in arguments]])
        self._process.stdin.write(line.encode('ascii') + b'\n')
        self._process.stdin.flush()

    def answer(self):
        """Return the result of the call that `ask` started. Raises RuntimeError."""
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError('the server died')
        error, result = json.loads(line.decode('ascii'))
        if error:
            raise RuntimeError(error)
        return from_json(result)

    def stop(self):
        """End the process and return its exit status."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            stream.close()
        return self._process.wait()


def to_json(value):
    return {'bytes': base64.b64encode(value).decode('ascii')} if isinstance(value, bytes) else value


def from_json(value):
    if isinstance(value, dict) and list(value) == ['bytes']:
        return base64.b64decode(value['bytes'].encode('ascii'))
    return value


def serve(platform, source, target):
    """Answer the calls in `source`, a line each, until it ends."""
    while True:
        line = source.readline()
        if not line:
            return
        name, arguments = json.loads(line.decode('ascii'))
        try:
            arguments = [from_json(argument) for argument in arguments]
            if name == 'upload':
                arguments[1] = io.BytesIO(arguments[1])
            answer = ['', to_json(getattr(platform, name)(*arguments))]
        except Exception:
            answer = [traceback.format_exc(), None]
        target.write(json.dumps(answer).encode('ascii') + b'\n')
        target.flush()


if __name__ == '__main__':
    serve(Platform(*json.loads(sys.argv[1])),
          getattr(sys.stdin, 'buffer', sys.stdin), getattr(sys.stdout, 'buffer', sys.stdout))
