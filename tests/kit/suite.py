"""What a suite supplies and declares, and the steps that several checks use."""

import functools
import unittest

from tests.kit import together
from tests.kit.streams import Stream, StreamError, WatchedStream, describe


class Suite(object):
    """The part of the kit that a module's author sees.

    A suite supplies either `makeConnector`, or a `setUp` that calls this one with an instance.
    Everything else is optional, and lets the kit check more.

    Where the contract leaves a choice, the kit accepts each. A suite may declare the choice of its
    module, True or False: then only that one is accepted. With None either one is:

    `deleteOfMissingRaises`: `delete` raises for an object that is not there.
    `readersOutliveDelete`: an open read stream keeps its content through a `delete`.
    `readersOutliveAssign`: likewise through an `assign` that replaces the object.
    """

    connector = _another = None

    deleteOfMissingRaises = None
    readersOutliveDelete = None
    readersOutliveAssign = None

    def __new__(cls, *arguments, **named):
        # As an attribute of the object, so that unittest finds it in any order of the bases.
        case = super(Suite, cls).__new__(cls)
        case.setUp = functools.partial(_set_up, case)
        return case

    def setUp(self, connector=None, extra_context=None):
        """Test `connector`, an instance of the module; by default that of `makeConnector`.

        `extra_context` is merged into the context that every method gets, for instance
        `{'func': {'getModule': function}}` for a module that extends another.
        """
        self.connector = self.makeConnector() if connector is None else connector
        self.context = {'func': {'getModule': self._no_module}}
        self.context.update(extra_context or {})
        # Such a module can do nothing without a context.
        self._extends_another = 'func' in (extra_context or {})

    def makeConnector(self):
        """Return a new instance over the same storage, as another server process has it.

        Optional. Return None if there can be only one, as for a module that keeps its objects in
        the memory of a process.
        """

    def makeConnectorElsewhere(self):
        """Return an instance over another, empty storage, as at another location. Optional.

        If it is called more than once in a test, each must get a new storage. None: not possible.
        """

    def listStorage(self):
        """Return a list of the names of all files or entries in the storage. Optional.

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
        return self._storeStream(Stream(data, most), connector)

    def _storeStream(self, stream, connector=None):
        connector = connector or self.connector
        module_data = connector.new_data(self.context)
        connector.assign(self.context, module_data, stream)
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

    def _size(self, module_data, connector=None):
        return (connector or self.connector).get_size(self.context, module_data)

    def _instances(self):
        """Return the instance and, if there may be two over its storage, another one."""
        if self._another is None:
            self._another = self.makeConnector()
        return [self.connector] if self._another is None else [self.connector, self._another]

    # Expectations. assertEqual would print megabytes, and assertTrue only "False is not true".

    def _require(self, condition, problem):
        if not condition:
            self.fail(problem)

    def _expectSame(self, data, found, what):
        self._require(isinstance(found, bytes) and found == data,
                      '%s: %s became %s' % (what, describe(data), describe(found)))

    def _expectContent(self, module_data, data, what, connector=None):
        self._expectSame(data, self._read(module_data, connector), what)

    def _expectSize(self, size, module_data, what, connector=None):
        found = self._size(module_data, connector)
        self._require(found == size, 'get_size of %s is %r, not %d' % (what, found, size))

    def _expectObject(self, module_data, data, what, connector=None):
        """The object must be there, and hold `data`, by every method."""
        self._expectAvailable(True, module_data, 'for %s' % what, connector)
        self._expectContent(module_data, data, what, connector)
        self._expectSize(len(data), module_data, what, connector)

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
            outcome = 'raised %r' % other
        else:
            outcome = 'returned'
        self.fail('the stream raised %s, and assign %s' % (error.__name__, outcome))

    def _expectFailure(self, method, module_data, what='a missing object'):
        try:
            result = method(self.context, module_data)
        except Exception:
            return
        if hasattr(result, 'close'):
            result.close()
        self.fail('%s of %s returned %r' % (method.__name__, what, result))

    def _expectMissing(self, module_data, when, connector=None):
        """The object must not be there by any method."""
        connector = connector or self.connector
        self._expectAvailable(False, module_data, when, connector)
        self._expectFailure(connector.get_read_stream, module_data, 'an object %s' % when)
        self._expectFailure(connector.get_size, module_data, 'an object %s' % when)

    # What happens at the same time

    def _ask_during_assign(self, module_data, data, moments, call):
        """Assign `data`, and at each of `moments`, positions in it, run `call` in a thread.

        Returns two lists: the questions that were answered before the stream went on, and one that
        was answered later, as a module may have a lock. After a late one no more are asked.
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


_LATE = ('write StorageModuleTestBase before unittest.TestCase, as in '
         '`class %s(StorageModuleTestBase, unittest.TestCase)`: its setUp was not called')
_NOTHING = '%s tests nothing: supply makeConnector, or give setUp an instance'


def _set_up(case):
    """Run the `setUp` of the suite. If there is no instance then, one test fails, for all."""
    kind, problem = type(case), ''
    try:
        kind.setUp(case)
    except TypeError as error:
        # unittest's own setUp takes no instance.
        if case.connector is not None or not _comes_late(kind):
            raise
        problem = ' (TypeError: %s)' % error
    if case.connector is None:
        _tell(case, (_LATE if _comes_late(kind) else _NOTHING) % kind.__name__ + problem)


def _comes_late(kind):
    return kind.__mro__.index(unittest.TestCase) < kind.__mro__.index(Suite)


def _tell(case, problem):
    # The first test fails, the others are skipped. Python 2.6 can't skip.
    if vars(type(case)).get('_teller', case.id()) != case.id() and hasattr(case, 'skipTest'):
        case.skipTest(problem)
    type(case)._teller = case.id()
    raise TypeError(problem)
