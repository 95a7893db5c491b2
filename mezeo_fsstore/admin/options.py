"""The arguments that commands share, for argparse."""

import argparse
import json
import os


def add_command(commands, run, text, details=None):
    """Add the command that is called as the function `run`, with its ROOT; return its parser."""
    command = commands.add_parser(run.__name__, help=text, description=text, epilog=details)
    command.set_defaults(run=run, args={}, json=False)
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
    command.add_argument('module_data', metavar='MODULE_DATA', type=_module_data,
                         help='the module_data, or a line that ls has printed')


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


def _module_data(text):
    # A line of `ls` has more columns.
    return text.split('\t')[0]
