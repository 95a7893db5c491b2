"""What the command says: binary output, and lines on standard error."""

import sys

from mezeo_fsstore.admin import progress
from mezeo_fsstore.admin.standard_streams import has_failed

# The warnings that are not said yet.
_warnings = []


def binary(stream):
    """Return the binary stream of the standard stream `stream`. Python 2's own are binary."""
    return getattr(stream, 'buffer', stream)


def fail(line):
    """Say `line` on standard error; return the exit status of a failure."""
    say(line)
    return 1


def warn(line):
    """Keep the warning `line` for the line that is said next, or for `say_warnings`.

    So a failure is one line, whatever there is to warn of.
    """
    _warnings.append(line)


def say_warnings():
    """Say the warnings that are left, a line each."""
    left = _warnings[:]
    del _warnings[:]
    for line in left:
        say(line)


def say(line):
    """Say `line`, and the warnings so far in it, on standard error, clearing a meter first.

    Returns False if it was not written.
    """
    line = '; '.join([line] + _warnings)
    del _warnings[:]
    progress.make_way()
    sys.stderr.write('mezeo_fsstore: %s\n' % line)
    sys.stderr.flush()
    return not has_failed(sys.stderr)
