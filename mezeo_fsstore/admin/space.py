"""`df`: how full a root is."""

from __future__ import division

import argparse
import json
import re
import sys

from mezeo_fsstore import disk
from mezeo_fsstore.admin.formats import in_units
from mezeo_fsstore.admin.options import add_command, add_json, add_registered
from mezeo_fsstore.admin.registration import root_of, storage_of
from mezeo_fsstore.admin.terminal import fail


def add_commands(commands):
    """Add `df` to the parser of the command line."""
    command = add_command(commands, df,
                          'Print how many bytes and inodes there are, used and free.',
                          reads=lambda options: options.warn == float('inf'))
    add_registered(command)
    add_json(command, 'print what the module\'s statistics() returns instead')
    command.add_argument('--warn', metavar='PERCENT', type=_percentage, default=float('inf'),
                         help='exit with 1 if more than this is used of either, or if the bytes '
                              'are not known')


def df(options):
    """Run `df`: print the statistics, and return 1 past the percentage to warn at."""
    root = root_of(options)
    # This raises the error, if any. The module would only say that it does not know.
    disk.capacity(root.path)
    statistics = storage_of(options).statistics(None)
    if options.json:
        print(json.dumps(statistics, sort_keys=True))
    else:
        print('%-7s %14s %14s %14s %5s' % ('', 'total', 'used', 'free', 'used'))
        for name, key, show in (('bytes', 'capacity', in_units), ('inodes', 'inodes', str)):
            numbers = statistics[key]
            known = numbers['total'] >= 0
            cells = [show(numbers[column]) if known else '-'
                     for column in ('total', 'used', 'free')]
            cells.append('%.0f%%' % _percent(numbers) if known else '-')
            print('%-7s %14s %14s %14s %5s' % tuple([name] + cells))
    sys.stdout.flush()
    return _alarm(statistics, options)


def _alarm(statistics, options):
    """Return 1, and say why, if more than options.warn is used or the bytes are unknown; else 0."""
    if options.warn < float('inf') and statistics['capacity']['total'] < 0:
        return fail('the filesystem does not tell how many bytes of %s are used' % options.root)
    full = [name for name, key in (('bytes', 'capacity'), ('inodes', 'inodes'))
            if _percent(statistics[key]) > options.warn]
    if not full:
        return 0
    return fail('more than %g%% of the %s of %s are used: add space, or move objects away'
                % (options.warn, ' and the '.join(full), options.root))


def _percentage(text):
    if not re.match(r'[0-9]{1,3}(\.[0-9]+)?\Z', text) or float(text) > 100:
        raise argparse.ArgumentTypeError('expected a number from 0 to 100')
    return float(text)


def _percent(numbers):
    return numbers['used'] * 100 / numbers['total'] if numbers['total'] > 0 else 0
