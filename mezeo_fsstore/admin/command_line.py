"""The command line: `python EGG COMMAND`, `python -m mezeo_fsstore COMMAND`."""

import argparse
import errno
import sys

from mezeo_fsstore import __version__
from mezeo_fsstore.admin import (
    checking, listing, marking, objects, scrubbing, space, sweeping)
from mezeo_fsstore.admin.advice import explain
from mezeo_fsstore.admin.options import EXIT_STATUS
from mezeo_fsstore.admin.registration import read_registration
from mezeo_fsstore.admin.standard_streams import OutputError
from mezeo_fsstore.admin.terminal import fail, say, say_warnings
from mezeo_fsstore.errors import ConfigurationError, StorageUnavailable


def main(arguments=None):
    """Run the command line `arguments` and return the exit status: 0, or 1 for a failure.

    A failure is one line on standard error. A bad configuration returns 2, an interrupt 130. Raises
    SystemExit with 2 for arguments that can not be parsed, and with 0 for --help and --version.
    """
    parser, options, root = _parser(), None, None
    try:
        options = parser.parse_args(arguments)
        read_registration(options)
        root = options.root
        status = options.run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except OutputError as error:
        # As in `ls | head`: the reader of a list or of a help text has read enough.
        if error.errno == errno.EPIPE and (options is None or options.reads(options)):
            return 0
        return fail(explain(error, root))
    except StorageUnavailable as error:
        return fail(explain(error, root))
    except ConfigurationError as error:
        say(explain(error, root))
        return 2
    except Exception as error:
        return fail(explain(error, root))
    finally:
        say_warnings()


class _Parser(argparse.ArgumentParser):
    """A parser that accepts no abbreviated options: `--del` must not delete."""

    def _get_option_tuples(self, option_string):
        return []

    def exit(self, status=0, message=None):
        # Flush what --help and --version have printed, while a failure can still be reported.
        sys.stdout.flush()
        super(_Parser, self).exit(status, message)


class _Version(argparse.Action):

    def __call__(self, parser, *_):
        # argparse's own action prints to standard error on Python 2.
        sys.stdout.write('mezeo_fsstore %s\n' % __version__)
        parser.exit()


def _parser():
    egg = sys.argv[0] if sys.argv[0].endswith('.egg') else '-m mezeo_fsstore'
    parser = _Parser(
        prog='python%d %s' % (sys.version_info[0], egg),
        description='Look after a root of FilesystemStorage.',
        epilog='COMMAND --help tells more of each. Run by the superuser, what writes acts as the '
               'user who owns the root. ' + EXIT_STATUS)
    parser.add_argument('--version', action=_Version, nargs=0, help='print the version and exit')
    commands = parser.add_subparsers(metavar='COMMAND', dest='command')
    commands.required = True
    for family in (checking, marking, objects, listing, space, sweeping, scrubbing):
        family.add_commands(commands)
    return parser
