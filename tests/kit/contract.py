"""The sentences of the contract that the checks prove.

Each is copied, word for word, from the documentation of `modules`. An author who sees one in a
failure finds the rest there.
"""

import functools
import traceback

# What the platform does with a module.
EXTENDS = 'A module is a class that extends `StorageModule`.'
TOGETHER = ('an instance is called by many threads at once, other instances work on the same '
            'storage at the same time')
KEPT = ('whatever is kept (memory, descriptors, connections, threads) is kept for good')
CHANGED = 'What an instance remembers of an object, another one may have changed.'
DATABASE = ('The platform keeps the `module_data` in its database; it is all that the module is '
            'ever told about an object.')
REPLICATION = ('At another location the platform asks `available` with the same `module_data`. On '
               'True it copies nothing; on False it calls `assign` there at once.')
REPEATED = 'It repeats an `assign` that has failed.'
DOWNLOAD = ('`get_size` comes first, to see whether a requested range lies within the object, then '
            '`get_read_stream`, a `seek` to the start of the range and as many `read`s as needed, '
            'then `close`.')
COPY = ('the stream goes straight into `assign` for a new `module_data`, of the same module or '
        'another')
OWN = ('The copy is an object of its own: when one of the two is replaced or deleted, the other '
       'stays as it is.')
PUT = ('A later platform calls `put(context, stream)`, which returns the `module_data`, in the '
       'place of `new_data`, `assign` and `get_size`')
CAPABILITIES = ('`capabilities(context)`, which returns a dictionary of CDMI capabilities, `{}` '
                'for none')
CONTEXT = ('A module that needs nothing of this ignores `context`, and must accept `{}` and `None` '
           'there.')
RAISES = ("A method that can't do what it promises raises; it never returns a value that means "
          'failure.')

# The methods.
SEVEN = 'seven methods, all to be implemented'
STRING = ('It is a string, often JSON, that holds what the module needs to find the object again: '
          'an id, a path.')
UNIQUE = 'No two calls return the same, in whatever process.'
STORE = 'Store the bytes of `stream` as the object `module_data`.'
SHORT_READS = ("`stream` has a `read(size)`, which returns at most `size` bytes, and `b''` at the "
               'end and only there: fewer bytes than asked for are no end.')
BREAKS = ("It need have no other method, and may be a client's connection that breaks: then its "
          'exception, of whatever class, must go on to the caller, and no part of the object may '
          'be taken for the whole.')
NO_BYTES = 'None, which says that nothing has come yet, and text are no end either.'
FROM_NOW_ON = ('The object is what `read` returns from now on. Part of the stream may have been '
               'read already, and its other methods, if any, may lead to other bytes, as a '
               'descriptor can.')
WHOLE = 'Return True if the object is stored here, whole, and False if it is not.'
STREAM = "Return a stream over the object's bytes, with `read`, `seek` and `close`."
BINARY_FILE = '`read([size])` and `seek(offset[, whence])` are those of a binary file.'
NO_OBJECT = 'Raises if there is no such object.'
DESTROY = 'Destroy the object. If this returns, the `module_data` is never used again.'
GONE = 'an object that is gone is best no error'
SIZE = 'Return the number of bytes of the object.'
STATISTICS = 'Return a dictionary about the storage, of values that JSON can express.'
CAPACITY = ("The platform's user interfaces read its `capacity`, all three in bytes and -1 if "
            'unknown')


def proves(*sentences):
    """Return a decorator for a check: if it fails, the message quotes `sentences`.

    An exception that the check did not expect becomes a failure, with its traceback.
    """
    def decorate(check):
        @functools.wraps(check)
        def quoting(self):
            try:
                check(self)
            except self.failureException as error:
                # Raise the same exception: its traceback shows the line of the check.
                error.args = (quote(str(error), sentences),)
                raise
            except Exception as error:
                # A suite's own hook may skip. Each library has its own class for that.
                if type(error).__name__ == 'SkipTest':
                    raise
                name = traceback.format_exception_only(type(error), error)[-1].strip()
                problem = 'It raised what it must not: %s\n%s' % (name, traceback.format_exc())
            else:
                return
            self.fail(quote(problem, sentences))
        quoting.sentences = sentences
        return quoting
    return decorate


def quote(problem, sentences):
    """Return the message of a failure: the problem, then each of the sentences."""
    return '\n'.join([problem] + ['The contract says: "%s"' % sentence for sentence in sentences])
