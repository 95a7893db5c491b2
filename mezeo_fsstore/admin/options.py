"""The arguments that commands share, for argparse."""

import argparse
import json
import os


def always(options):
    return True


def never(options):
    return False


def add_command(commands, run, text, details=None, reads=never):
    """Add the command that is called as the function `run`, with its ROOT; return its parser.

    `reads` tells of parsed options whether the command then only lists or reads: that a reader of
    standard output has gone is no failure of such a one.
    """
    command = commands.add_parser(run.__name__, help=text, description=text, epilog=details)
    command.set_defaults(run=run, reads=reads, args={}, json=False)
    command.add_argument('root', metavar='ROOT', type=os.path.abspath,
                         help='the root directory, as registered')
    return command


def add_registered(command):
    """Add `--args`: what else was registered."""
    command.add_argument('--args', metavar='JSON', type=_json_object,
                         help='other arguments of the registration, such as '
                              '\'{"file_mode": "0640"}\'')


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


def _json_object(text):
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise argparse.ArgumentTypeError('expected a JSON object')
    return dict((str(name), fields[name]) for name in fields)


def _one_line(text):
    # Of two lines of `ls` only one can be meant.
    if '\n' in text:
        raise argparse.ArgumentTypeError('expected one line')
    return text
