"""Standard input, output and error output: what can't be written is a failure, reported once.

If Python's own streams are closed, full or a broken pipe, the result depends on its version and on
the environment: None, silence, a traceback, "Exception ignored" or exit status 120.
"""

import errno
import io
import os
import select
import sys

from mezeo_fsstore.compat import TextOutput


class OutputError(EnvironmentError):
    """Standard output can't be written. After it was raised, further output is dropped."""

    def __str__(self):
        if self.errno == errno.EBADF:
            return 'standard output is closed'
        return 'standard output: %s' % self.strerror


class StandardStreams(object):
    """Replaces `sys.stdout` and `sys.stderr`, and makes `sys.stdin` None if it was closed.

    Make it before any file is opened: it opens closed descriptors, so that no other file of the
    command becomes standard output.
    """

    def __init__(self):
        if 0 in _open_closed_descriptors():
            sys.stdin = None
        self._output, self._errors = _Output(1, 'w', closefd=False), _Errors(2, 'w', closefd=False)
        sys.stdout = _text(self._output, sys.stdout, line_buffering=self._output.isatty())
        sys.stderr = _text(self._errors, sys.stderr, line_buffering=True)

    def finish(self, status):
        """Flush both outputs; return the exit status: `status`, or 1 instead of 0 after a failure.

        A failure is anything that could not be written. With a `status` above 128, an end by a
        signal, standard output is not flushed.
        """
        # After a signal do not wait for a reader of standard output that has stopped reading.
        self._output.failed = self._output.failed or status > 128
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OutputError:
            status = status or 1
        return status or int(self._errors.failed)


def _open_closed_descriptors():
    """Open those of the descriptors 0 to 2 that are closed; return their numbers.

    Reads from 0 and writes to 1 and 2 then fail: a closed input must not look like an empty file.
    """
    closed = []
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(number)
        except EnvironmentError:
            # The system gives the lowest free number, which is this one.
            os.open(os.devnull, mode)
            closed.append(number)
    return closed


class _Descriptor(io.FileIO):
    """The descriptor of an output stream. Once a write has `failed`, all further data is dropped.

    So nothing is left in a buffer, which Python would write at its exit, with a complaint.
    """

    failed = False

    def write(self, data):
        while not self.failed:
            try:
                written = super(_Descriptor, self).write(data)
                if written is not None:
                    return written
                # Another process that shares it has made it non-blocking: wait until it is ready.
                select.select([], [self], [])
            except EnvironmentError as error:
                self.failed = True
                self.tell_failure(error)
        return len(data)


class _Output(_Descriptor):

    def tell_failure(self, error):
        raise OutputError(error.errno, error.strerror)


class _Errors(_Descriptor):

    def tell_failure(self, error):
        """Do nothing: only the exit status can tell it."""


def has_failed(stream):
    """Return whether a write to `stream`, one of StandardStreams, has failed.

    False for any other stream.
    """
    raw = getattr(getattr(stream, 'buffer', None), 'raw', None)
    return isinstance(raw, _Descriptor) and raw.failed


def _text(raw, replaced, line_buffering):
    """Return a text file over `raw`, with the encoding of `replaced`, utf-8 if that is None."""
    encoding = getattr(replaced, 'encoding', None) or 'utf-8'
    # A path that can not be encoded is printed with escapes, and does not end the command.
    return TextOutput(io.BufferedWriter(raw), encoding=encoding, errors='backslashreplace',
                      line_buffering=line_buffering)
