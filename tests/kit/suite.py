"""What a suite supplies and declares, and the steps that the checks have in common."""

from tests.kit import together
from tests.kit.streams import Stream, StreamError, WatchedStream, describe


class Suite(object):
    """The part of the kit that a module's author sees.

    A suite supplies either `makeConnector`, or a `setUp` that calls this one with an instance.
    Everything else is optional, and checks more.

    Where the contract leaves a choice, the kit accepts each. A suite may declare the choice of its
    module, True or False, to have just that one checked; with None it is what the checks find:

    `deleteOfMissingRaises`: `delete` raises for an object that is not there.
    `readersOutliveDelete`: an open read stream keeps its content through a `delete`.
    `readersOutliveAssign`: likewise through an `assign` that replaces the object.
    """

    deleteOfMissingRaises = None
    readersOutliveDelete = None
    readersOutliveAssign = None

    def setUp(self, connector=None, extra_context=None):
        """Test `connector`, an instance of the module; without one, that of `makeConnector`.

        `extra_context` is merged into the context that every method gets, for instance
        `{'func': {'getModule': function}}` for a module that extends another.
        """
        self.connector = self.makeConnector() if connector is None else connector
        if self.connector is None:
            raise TypeError('supply makeConnector, or give setUp an instance')
        self.context = {'func': {'getModule': self._no_module}}
        self.context.update(extra_context or {})
        # It can do nothing without a context, then.
        self._extends_another = 'func' in (extra_context or {})

    def makeConnector(self):
        """Return one more instance over the same storage, as another server process has it.

        Optional. Return None if there can be only one, as for a module that keeps its objects in
        the memory of a process.
        """

    def makeConnectorElsewhere(self):
        """Return an instance over another, empty storage, as at another location. Optional.

        It may be called more than once in a test; each storage must be another.
        """

    def listStorage(self):
        """Return a list of the names of all that lies in the storage. Optional.

        The kit compares the list before and after; what your module keeps on purpose, such as
        empty directories, should be left out.
        """

    def compareWrittenData(self, module_data, data):
        """Fail unless the bytes `data` lie in the storage as the object `module_data`.

        Optional: a suite looks into its storage here, past the module's own methods. Without it
        the module itself is asked.
        """
        self._expectContent(module_data, data, 'an object that was written')

    # Calls

    def _store(self, data, most=None, connector=None):
        """Store `data` as a new object; return its module_data."""
        module_data = (connector or self.connector).new_data(self.context)
        self._assign(module_data, data, most, connector)
        return module_data

    def _assign(self, module_data, data, most=None, connector=None):
        (connector or self.connector).assign(self.context, module_data, Stream(data, most))

    def _open(self, module_data, connector=None):
        return (connector or self.connector).get_read_stream(self.context, module_data)

    def _read(self, module_data, connector=None):
        stream = self._open(module_data, connector)
        try:
            return stream.read()
        finally:
            stream.close()

    def _take(self, stream, size):
        """Return `size` bytes of `stream`, fewer at its end, in as many reads as it needs."""
        pieces = [b'']
        while size > 0:
            piece = stream.read(size)
            self._require(isinstance(piece, bytes), 'read returned %s' % describe(piece))
            self._require(len(piece) <= size,
                          'read(%d) returned %d bytes' % (size, len(piece)))
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return b''.join(pieces)

    def _available(self, module_data, connector=None):
        return (connector or self.connector).available(self.context, module_data)

    # Expectations. assertEqual would print megabytes, assertTrue that False is not true.

    def _require(self, condition, problem):
        if not condition:
            self.fail(problem)

    def _expectSame(self, data, found, what):
        self._require(isinstance(found, bytes) and found == data,
                      '%s: %s became %s' % (what, describe(data), describe(found)))

    def _expectContent(self, module_data, data, what, connector=None):
        self._expectSame(data, self._read(module_data, connector), what)

    def _expectAvailable(self, expected, module_data, when, connector=None):
        found = self._available(module_data, connector)
        self._require(found is expected, 'available is %r %s' % (found, when))

    def _expectStreamError(self, module_data, data=b'a part of the new content', error=StreamError):
        """Assign from a stream that breaks after `data`; its exception must come back."""
        try:
            self.connector.assign(self.context, module_data, Stream(data, 65536, error))
        except error:
            return
        except Exception as other:
            self.fail('the stream raised %s, and assign %r' % (error.__name__, other))
        self.fail('assign returned, though its stream broke')

    def _expectFailure(self, method, module_data, what='a missing object'):
        try:
            result = method(self.context, module_data)
        except Exception:
            return
        if hasattr(result, 'close'):
            result.close()
        self.fail('%s of %s returned %r' % (method.__name__, what, result))

    def _expectMissing(self, module_data, when):
        """The object must not be there by any method."""
        self._expectAvailable(False, module_data, when)
        self._expectFailure(self.connector.get_read_stream, module_data, 'an object %s' % when)
        self._expectFailure(self.connector.get_size, module_data, 'an object %s' % when)

    # What happens at the same time

    def _ask_during_assign(self, module_data, data, moments, call):
        """Assign `data`, and at each of `moments`, positions in it, run `call` in a thread.

        Returns the questions that were answered before the stream went on, and waits for the
        others after the assign: a module may make them wait, by a lock.
        """
        moments, timely, late = list(moments), [], []

        def watch(position):
            if moments and position >= moments[0] and not late:
                del moments[0]
                question = together.Question(call)
                (timely if question.wait(together.PATIENCE) else late).append(question)

        self.connector.assign(self.context, module_data, WatchedStream(data, 65536, watch))
        for question in late:
            self._require(question.wait(together.DEADLOCK), 'a call never returned')
        return timely, late

    def _expectTogether(self, calls):
        for problem in together.in_threads(calls):
            self.fail(problem)

    def _no_module(self, name):
        raise KeyError('no module is registered as %r' % (name,))
