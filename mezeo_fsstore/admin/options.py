"""Arguments of the command line that several commands have."""

import argparse
import re


EXIT_STATUS = ('Exit status: 0; 1 for a failure or an alarm; 2 for bad usage; 130 for an '
               'interrupt.')


def always(options):
    return True


def never(options):
    return False


def add_command(commands, run, text, details=None, reads=never, expects_marker=True):
    """Add a command with its ROOT; return its parser. Its name is that of the function `run`.

    `reads(options)` returns whether the command only lists or reads: then it is no failure that the
    reader of standard output has gone. With `expects_marker` a root without a marker is said on
    standard error.
    """
    # The list of all commands shows the first part of the text.
    command = commands.add_parser(run.__name__, help=re.split('[:.,]', text)[0], description=text,
                                  epilog=' '.join(filter(None, [details, EXIT_STATUS])))
    command.set_defaults(run=run, reads=reads, expects_marker=expects_marker, args=None,
                         json=False)
    command.add_argument('root', metavar='ROOT',
                         help='the file with the registration, as init prints it; or the root '
                              'itself, if it is certain to be mounted')
    return command


def add_registered(command):
    """Add `--args`: the other registered arguments, where ROOT is the root itself."""
    # Kept for one more version, for scripts, and not shown in the help.
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
    # Two lines of `ls` would name two objects.
    if '\n' in text:
        raise argparse.ArgumentTypeError('expected one line')
    return text
