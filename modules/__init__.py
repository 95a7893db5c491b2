"""The contract between Mezeo's platform and a vendor storage module.

A module is a class that extends `StorageModule`. The platform ships its own `modules` package; this
one stands in for it while a module is written and tested, and is never put into an egg.

How the platform uses a module
------------------------------

*Loading.* An administrator registers a dotted name and arguments, as JSON:

    {"module": "newstore.newstore.NewStorage", "label": "New Storage Module",
     "args": {"arg1": "arg1 value", "arg2": "arg2 value"}}

Each server process imports the class and makes **one instance**, `NewStorage(**args)`. There are
many processes, each with many threads, and they live for months. So an instance is called by many
threads at once, other instances work on the same storage at the same time, and whatever is kept
(memory, descriptors, connections, threads) is kept for good. What an instance remembers of an
object, another one may have changed.

*Storing.* `new_data` gives a `module_data`, then `assign` gives it its bytes. The platform keeps
the `module_data` in its database; it is all that the module is ever told about an object.

*Replicating.* At another location the platform asks `available` with the same `module_data`. On
True it copies nothing; on False it calls `assign` there at once. It repeats an `assign` that has
failed.

*Downloading.* `get_size` comes first, to see whether a requested range lies within the object, then
`get_read_stream`, a `seek` to the start of the range and as many `read`s as needed, then `close`.

*Copying on the server.* `get_size` and `get_read_stream` of the source; the stream goes straight
into `assign` for a new `module_data`, of the same module or another. The copy is an object of its
own: when one of the two is replaced or deleted, the other stays as it is.

*Deleting.* After a successful `delete` that `module_data` is never used again.

*The 2012 revision.* A later platform calls `put(context, stream)`, which returns the `module_data`,
in the place of `new_data`, `assign` and `get_size`; and `capabilities(context)`, which returns a
dictionary of CDMI capabilities, `{}` for none, such as `{"cdmi_encryption": ["AES_CBC_256"]}`. A
module that offers both sets works on both platforms.

The storage context
-------------------

Every method gets a `context`, a dictionary:

    {'func': {'getModule': <callable>}}

`getModule(name)` returns the instance, in this process, of the module that is registered under
`name`. So one module can extend another, for encryption or deduplication: it takes the calls, works
on the bytes, and passes both on to that module. A module that needs nothing of this
ignores `context`, and must accept `{}` and `None` there.

Errors
------

A method that can't do what it promises raises; it never returns a value that means failure. The
exception's text ends up in the host's log and is all that an administrator sees: it should name
what is wrong and what to do.
"""


class StorageModule(object):
    """The base class of every vendor storage module: seven methods, all to be implemented."""

    def __init__(self, **kwargs):
        """Make the one instance of a server process.

        `kwargs` are the arguments that the administrator registered. They come from JSON: a number
        or a boolean may be a string, and on Python 2 every string is `unicode`.
        """

    def new_data(self, context):
        """Return the `module_data` of an object that is about to be stored.

        It is a string, often JSON, that holds what the module needs to find the object again: an
        id, a path. No two calls return the same, in whatever process. No object is there yet.
        """
        raise self._not_implemented('new_data')

    def assign(self, context, module_data, stream):
        """Store the bytes of `stream` as the object `module_data`.

        `stream` has a `read(size)`, which returns at most `size` bytes, and `b''` at the end and
        only there: fewer bytes than asked for are no end. It need have no other method, and may
        be a client's connection that breaks: then its exception, of whatever class, must go on to
        the caller, and no part of the object may be taken for the whole. None, which says that
        nothing has come yet, and text are no end either.

        The object is what `read` returns from now on. Part of the stream may have been read
        already, and its other methods, if any, may lead to other bytes, as a descriptor can.
        """
        raise self._not_implemented('assign')

    def available(self, context, module_data):
        """Return True if the object is stored here, whole, and False if it is not.

        After False the platform copies the object here; where the answer can't be known, raise.
        """
        raise self._not_implemented('available')

    def get_read_stream(self, context, module_data):
        """Return a stream over the object's bytes, with `read`, `seek` and `close`.

        `read([size])` and `seek(offset[, whence])` are those of a binary file. The caller closes
        it. Raises if there is no such object.
        """
        raise self._not_implemented('get_read_stream')

    def delete(self, context, module_data):
        """Destroy the object. If this returns, the `module_data` is never used again.

        The platform repeats a delete that failed, so an object that is gone is best no error.
        """
        raise self._not_implemented('delete')

    def get_size(self, context, module_data):
        """Return the number of bytes of the object. Raises if there is no such object."""
        raise self._not_implemented('get_size')

    def statistics(self, context):
        """Return a dictionary about the storage, of values that JSON can express.

        The platform's user interfaces read its `capacity`, all three in bytes and -1 if unknown:

            {"capacity": {"total": 1000, "free": 400, "used": 600}}

        `free` is what the module may still use. Other keys may be added.
        """
        raise self._not_implemented('statistics')

    def _not_implemented(self, method):
        return NotImplementedError('%s does not implement %s' % (type(self).__name__, method))
