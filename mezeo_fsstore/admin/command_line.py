"""The command line: `python -m mezeo_fsstore COMMAND`."""

import argparse
import errno
import os
import sys

from mezeo_fsstore.admin import checking, listing, marking, objects, space
from mezeo_fsstore.admin.advice import explain
from mezeo_fsstore.admin.terminal import fail
from mezeo_fsstore.errors import ConfigurationError, StorageUnavailable


def main(arguments=None):
    """Run the command line `arguments` and return the exit status: 0, or 1 for any failure.

    A failure is one line on standard error. Bad usage exits with 2, an interrupt returns 130.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status = options.run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except StorageUnavailable as error:
        return fail(explain(error, options.root))
    except ConfigurationError as error:
        parser.error(str(error))
    except Exception as error:
        if getattr(error, 'errno', None) == errno.EPIPE:
            return _reader_has_gone()
        return fail(explain(error, options.root))


def _parser():
    parser = argparse.ArgumentParser(
        prog='python -m mezeo_fsstore', description='Look after a root of FilesystemStorage.',
        epilog='Run by the superuser, what writes acts as the user who owns the root. Exit '
               'status: 0, 1 for a failure, 2 for bad usage, 130 for an interrupt.')
    commands = parser.add_subparsers(metavar='COMMAND', dest='command')
    commands.required = True
    for family in (checking, marking, objects, listing, space):
        family.add_commands(commands)
    return parser


def _reader_has_gone():
    """End quietly, as `| head` wants it: nothing more can be written, not even by the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
