"""The arguments that commands share, for argparse."""

import argparse


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
    command = commands.add_parser(run.__name__, help=text, description=text, epilog=details)
    command.set_defaults(run=run, reads=reads, expects_marker=expects_marker, args=None,
                         json=False)
    command.add_argument('root', metavar='ROOT',
                         help='the file with the registration, as init prints it, or the root '
                              'itself')
    return command


def add_registered(command):
    """Add `--args`: what else was registered, where ROOT is no file that tells."""
    # One version longer, for scripts; not in the help.
    command.add_argument('--args', metavar='JSON', help=argparse.SUPPRESS)


def add_object(command):
    """Add MODULE_DATA."""
    command.add_argument('module_data', metavar='MODULE_DATA', type=_module_data,
                         help='the module_data, or a line that ls has printed')


def add_json(command, text):
    """Add `--json`, which `text` explains."""
    command.add_argument('--json', action='store_true', help=text)


def _module_data(text):
    # A line of `ls` has more columns.
    return text.split('\t')[0]
