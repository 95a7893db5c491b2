"""The arguments that commands share, for argparse."""

import argparse
import re


EXIT_STATUS = ('Exit status: 0; 1 for a failure or an alarm; 2 for bad usage; 130 for an '
               'interrupt.')


def always(options):
    return True


def never(options):
    return False


def add_command(commands, run, text, details=None, reads=never, expects_marker=True):
    """Add the command that is called as the function `run`, with its ROOT; return its parser.

    `reads` tells of parsed options whether the command then only lists or reads: that a reader of
    standard output has gone is no failure of such a one. A root without a marker is said on
    standard error, unless `expects_marker` is false.
    """
    # In the list of all commands there is a line for each.
    command = commands.add_parser(run.__name__, help=re.split('[:.,]', text)[0], description=text,
                                  epilog=' '.join(filter(None, [details, EXIT_STATUS])))
    command.set_defaults(run=run, reads=reads, expects_marker=expects_marker, args=None,
                         json=False)
    command.add_argument('root', metavar='ROOT',
                         help='the file with the registration, as init prints it; or the root '
                              'itself, if it is certain to be mounted')
    return command


def add_registered(command):
    """Add `--args`: what else was registered, where ROOT is no file that tells."""
    # One version longer, for scripts; not in the help.
    command.add_argument('--args', metavar='JSON', help=argparse.SUPPRESS)


def add_object(command):
    """Add MODULE_DATA."""
    command.add_argument('module_data', metavar='MODULE_DATA', type=_one_line,
                         help='the module_data, the path, or the line of ls of the object')


def add_as(command):
    """Add `--as`, which names the object to make, and `--replace`."""
    command.add_argument('--as', dest='module_data', metavar='MODULE_DATA', type=_one_line, help=(
        'store it as this object instead of a new one: its module_data, path, or line of ls'))
    command.add_argument('--replace', action='store_true',
                         help='with --as, also where that object is there')


def add_json(command, text):
    """Add `--json`, which `text` explains."""
    command.add_argument('--json', action='store_true', help=text)


def _one_line(text):
    # Of two lines of `ls` only one can be meant.
    if '\n' in text:
        raise argparse.ArgumentTypeError('expected one line')
    return text
