"""`ls` and `sweep`: what lies in a root."""

import argparse
import errno
import json
import re
import sys
import time

from mezeo_fsstore import disk
from mezeo_fsstore.admin import inventory
from mezeo_fsstore.admin.marking import time_of
from mezeo_fsstore.admin.options import add_command, add_json, add_registered, always
from mezeo_fsstore.admin.registration import act_as_owner, root_of
from mezeo_fsstore.admin.terminal import counted, meter, printable
from mezeo_fsstore.module_data import compose

_SECONDS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}


def add_commands(commands):
    """Add the commands to the parser of the command line."""
    command = add_command(
        commands, ls,
        'List the objects: module_data, bytes, time of the last change (UTC), divided by tabs.',
        'Any such line serves as the MODULE_DATA of get, size and rm.', reads=always)
    add_json(command,
             'print objects of JSON with path, size and mtime (seconds since 1970) instead')
    command.add_argument('--foreign', action='store_true', help=(
        'list what is no object instead: kind, path (in JSON), bytes, time. The kind is temporary, '
        'for what writers have left, or else foreign. Their numbers go to standard error'))
    command = add_command(
        commands, sweep, 'List the temporaries that crashed writers have left.',
        'Age is told by the clock of the filesystem itself, with a file that this makes and '
        'removes.', reads=lambda options: not options.delete)
    add_registered(command)
    command.add_argument('--delete', action='store_true', help='remove them')
    command.add_argument('--older-than', metavar='AGE', type=_age, default='24h',
                         help='of this age only: a number and s, m, h or d (24h)')


def ls(options):
    """Run `ls`: print a line for each object, or for each thing that is none."""
    counts = {inventory.OBJECT: 0, inventory.TEMPORARY: 0, inventory.FOREIGN: 0}
    with meter('file', beside=sys.stdout) as progress:
        for entry in inventory.entries(root_of(options)):
            counts[entry.kind] += 1
            progress.update(1)
            if (entry.kind != inventory.OBJECT) == options.foreign:
                sys.stdout.write(_line(entry, options))
    if options.foreign:
        sys.stdout.flush()
        sys.stderr.write('%s, %d foreign; %s\n' % (
            counted(counts[inventory.TEMPORARY], 'temporary', 'temporaries'),
            counts[inventory.FOREIGN], counted(counts[inventory.OBJECT], 'object')))
    return 0


def sweep(options):
    """Run `sweep`: print the old temporaries and what they take; remove them if told to."""
    root = root_of(options)
    root.check_marker()
    act_as_owner(root)
    newest = time_of(root) - options.older_than
    number = total = 0
    with meter('file', beside=sys.stdout) as progress:
        for entry in inventory.entries(root):
            progress.update(1)
            if entry.kind == inventory.TEMPORARY and entry.status.st_mtime < newest:
                if options.delete and not _removed(root.join(entry.path)):
                    continue
                number += 1
                total += entry.status.st_size
                sys.stdout.write(_line(entry, options))
    print('%s, %s: %s' % (
        counted(number, 'temporary', 'temporaries'), counted(total, 'byte'),
        'removed' if options.delete else 'would be removed with --delete'))
    return 0


def _age(text):
    if not re.match(r'[0-9]{1,9}[smhd]\Z', text):
        raise argparse.ArgumentTypeError('expected a number and s, m, h or d, such as 90m')
    return int(text[:-1]) * _SECONDS[text[-1]]


def _removed(path):
    """Remove the temporary; return whether it was there still."""
    try:
        disk.remove(path)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


def _line(entry, options):
    """Return the line for an Entry: an object by its module_data, anything else by its path."""
    status = entry.status
    path = printable(entry.path)
    if options.json:
        fields = {'path': path, 'size': status.st_size, 'mtime': status.st_mtime}
        if entry.kind != inventory.OBJECT:
            fields['kind'] = entry.kind
        return json.dumps(fields, sort_keys=True) + '\n'
    if entry.kind == inventory.OBJECT:
        columns = [compose(path)]
    else:
        columns = [entry.kind, json.dumps(path)]
    columns += [str(status.st_size),
                time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(status.st_mtime))]
    return '\t'.join(columns) + '\n'
