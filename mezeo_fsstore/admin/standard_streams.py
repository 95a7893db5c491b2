"""Standard input, output and error output: what can't be written is a failure, and said once.

Python's own are None, silent, a traceback, "Exception ignored" or exit status 120 where they are
closed, full or a broken pipe: that depends on its version and on variables of the environment.
"""

import errno
import io
import os
import select
import sys

from mezeo_fsstore.compat import TextOutput


class OutputError(EnvironmentError):
    """Standard output can't be written. What is printed after this was raised is dropped."""

    def __str__(self):
        if self.errno == errno.EBADF:
            return 'standard output is closed'
        return 'standard output: %s' % self.strerror


class StandardStreams(object):
    """Streams of ours in the place of `sys.stdin`, `sys.stdout` and `sys.stderr`.

    They are for a process that has opened nothing yet: a closed descriptor is opened, so that no
    file of the command becomes standard output. Standard input is None where it was closed.
    """

    def __init__(self):
        if 0 in _open_closed_descriptors():
            sys.stdin = None
        self._output, self._errors = _Output(1, 'w', closefd=False), _Errors(2, 'w', closefd=False)
        sys.stdout = _text(self._output, sys.stdout, line_buffering=self._output.isatty())
        sys.stderr = _text(self._errors, sys.stderr, line_buffering=True)

    def finish(self, status):
        """Pass on what is still to be written; return the exit status, which was to be `status`.

        It becomes 1 in the place of 0 where any of what was to be said could not be said.
        """
        # Who ends a command by a signal does not wait for a reader that has stopped to read.
        self._output.failed = self._output.failed or status > 128
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OutputError:
            status = status or 1
        return status or int(self._errors.failed)


def _open_closed_descriptors():
    """Open the closed ones of the descriptors 0 to 2, for what fails there; return their numbers.

    Reading from 0 is an error, as is writing to 1 and 2: what the caller closed is no empty file.
    """
    closed = []
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(number)
        except EnvironmentError:
            # The lowest free number is taken.
            os.open(os.devnull, mode)
            closed.append(number)
    return closed


class _Descriptor(io.FileIO):
    """The descriptor under an output stream. Once it has `failed`, all that follows is dropped.

    So nothing stays in a buffer that Python would try to write, and complain about, at its end.
    """

    failed = False

    def write(self, data):
        while not self.failed:
            try:
                written = super(_Descriptor, self).write(data)
                if written is not None:
                    return written
                # Another process that shares it has made it one that does not wait.
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
        """There is no place left to say it but the exit status."""


def has_failed(stream):
    """Return whether anything that was written to `stream`, one of StandardStreams, was dropped."""
    raw = getattr(getattr(stream, 'buffer', None), 'raw', None)
    return isinstance(raw, _Descriptor) and raw.failed


def _text(raw, replaced, line_buffering):
    """Return a file of text over `raw`, in the encoding of the stream that it replaces."""
    encoding = getattr(replaced, 'encoding', None) or 'utf-8'
    # A path that the encoding does not have is shown, and does not end the command.
    return TextOutput(io.BufferedWriter(raw), encoding=encoding, errors='backslashreplace',
                      line_buffering=line_buffering)
