"""The administrator's command, `python -m mezeo_fsstore`. The module works without this file."""

from __future__ import division

import argparse
import contextlib
import errno
import json
import os
import re
import sys
import time

from mezeo_fsstore import disk, inventory, module_data
from mezeo_fsstore.advice import explain
from mezeo_fsstore.check import examine
from mezeo_fsstore.compat import binary, printable
from mezeo_fsstore.errors import ConfigurationError, StorageUnavailable
from mezeo_fsstore.progress import meter
from mezeo_fsstore.root import Root
from mezeo_fsstore.storage import FilesystemStorage
from mezeo_fsstore.streams import CHUNK_SIZE

_SECONDS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}


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
        return _fail(explain(error))
    except ConfigurationError as error:
        parser.error(str(error))
    except Exception as error:
        if getattr(error, 'errno', None) == errno.EPIPE:
            return _reader_has_gone()
        return _fail(explain(error))


def check(options):
    """Run `check`: print a line for each step, and return 1 if any failed."""
    root = _root(options)
    _act_as_owner(root)
    passed = examine(root, _storage(options, durable=True), _storage(options, durable=False))
    return 0 if passed else 1


def init(options):
    """Run `init`: print the registration of the marked root."""
    root = _root(options)
    _act_as_owner(root)
    print('{"module": "mezeo_fsstore.FilesystemStorage", "label": "Filesystem Storage", '
          '"args": {"root": %s, "root_id": "%s"}}' % (json.dumps(root.path), root.mark()))
    return 0


def put(options):
    """Run `put`: print the `module_data` of the new object."""
    with _opened(options.file, 'rb', sys.stdin) as source:
        _act_as_owner(_root(options))
        with meter('bytes') as progress:
            made = _storage(options).put(None, _Metered(source, progress))
    print(made)
    return 0


def get(options):
    """Run `get`: write the bytes of the object."""
    with _storage(options).get_read_stream(None, options.module_data) as source:
        with _opened(options.file, 'wb', sys.stdout) as target:
            with meter('bytes', beside=target) as progress:
                metered = _Metered(source, progress)
                for chunk in iter(lambda: metered.read(CHUNK_SIZE), b''):
                    target.write(chunk)
                target.flush()
    return 0


def size(options):
    """Run `size`: print the bytes of the object."""
    print(_storage(options).get_size(None, options.module_data))
    return 0


def rm(options):
    """Run `rm`: remove the object, which must be there: else it may be another that was meant."""
    storage = _storage(options)
    storage.get_size(None, options.module_data)
    storage.delete(None, options.module_data)
    return 0


def ls(options):
    """Run `ls`: print a line for each object, or for each thing that is none."""
    counts = {inventory.OBJECT: 0, inventory.TEMPORARY: 0, inventory.FOREIGN: 0}
    with meter('files', beside=sys.stdout) as progress:
        for entry in inventory.entries(_root(options)):
            counts[entry.kind] += 1
            progress.update(1)
            if (entry.kind != inventory.OBJECT) == options.foreign:
                sys.stdout.write(_line(entry, options))
    if options.foreign:
        sys.stdout.flush()
        sys.stderr.write('%(temporary)d temporaries, %(foreign)d foreign; %(object)d objects\n'
                         % counts)
    return 0


def df(options):
    """Run `df`: print the statistics, and return 1 past the percentage to warn at."""
    _root(options).guard()
    statistics = _storage(options).statistics(None)
    if options.json:
        print(json.dumps(statistics, sort_keys=True))
    else:
        print('%-7s %14s %14s %14s %5s' % ('', 'total', 'used', 'free', 'used'))
        for name, key, show in (('bytes', 'capacity', _bytes), ('inodes', 'inodes', str)):
            numbers = statistics[key]
            known = numbers['total'] >= 0
            print('%-7s %14s %14s %14s %5s' % (
                (name,) + tuple(show(numbers[column]) if known else '-'
                                for column in ('total', 'used', 'free'))
                + ('%.0f%%' % _percent(numbers) if known else '-',)))
    full = [name for name, key in (('bytes', 'capacity'), ('inodes', 'inodes'))
            if _percent(statistics[key]) > options.warn]
    if not full:
        return 0
    sys.stdout.flush()
    return _fail('more than %g%% of the %s of %s are used: add space, or move objects away'
                 % (options.warn, ' and the '.join(full), options.root))


def sweep(options):
    """Run `sweep`: print the old temporaries and what they take; remove them if told to."""
    root = _root(options)
    root.guard()
    _act_as_owner(root)
    newest = root.time() - options.older_than
    number = total = 0
    with meter('files', beside=sys.stdout) as progress:
        for entry in inventory.entries(root):
            progress.update(1)
            if entry.kind == inventory.TEMPORARY and entry.status.st_mtime < newest:
                if options.delete and not _removed(root.join(entry.path)):
                    continue
                number += 1
                total += entry.status.st_size
                sys.stdout.write(_line(entry, options))
    print('%d temporaries, %d bytes: %s' % (
        number, total, 'removed' if options.delete else 'would be removed with --delete'))
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog='python -m mezeo_fsstore', description='Look after a root of FilesystemStorage.',
        epilog='Run by the superuser, what writes acts as the user who owns the root. Exit '
               'status: 0, 1 for a failure, 2 for bad usage, 130 for an interrupt.')
    commands = parser.add_subparsers(metavar='COMMAND', dest='command')
    commands.required = True

    def add(run, text, details=None):
        command = commands.add_parser(run.__name__, help=text, description=text, epilog=details)
        command.set_defaults(run=run, args={}, json=False)
        command.add_argument('root', metavar='ROOT', type=os.path.abspath,
                             help='the root directory, as registered')
        return command

    def registered(command):
        command.add_argument('--args', metavar='JSON', type=_json_object,
                             help='other arguments of the registration, such as '
                                  '\'{"file_mode": "0640"}\'')
        return command

    def of_object(command):
        command.add_argument('module_data', metavar='MODULE_DATA', type=_module_data,
                             help='the module_data, or a line that ls has printed')
        return command

    def as_json(command, text):
        command.add_argument('--json', action='store_true', help=text)
        return command

    registered(add(check, 'Examine the root: its state, the whole life of objects on it, each step '
                          'timed, and what its filesystem offers.',
                   'Each line starts with ok, warn or FAIL; with a FAIL the exit status is 1.'))
    add(init, 'Mark the root with a random id, unless it has one, and print the JSON to register.')
    command = registered(add(put, 'Store a file as a new object and print its module_data.'))
    command.add_argument('file', metavar='FILE', help='the file, - for standard input')
    command = of_object(registered(add(get, 'Write the bytes of an object to standard output.')))
    command.add_argument('file', metavar='FILE', nargs='?', default='-',
                         help='where to write instead, - for standard output')
    of_object(registered(add(size, 'Print the number of bytes of an object.')))
    of_object(registered(add(rm, 'Remove an object.')))
    command = as_json(add(
        ls, 'List the objects: module_data, bytes, time of the last change (UTC), divided by tabs.',
        'Any such line serves as the MODULE_DATA of get, size and rm.'),
        'print objects of JSON with path, size and mtime (seconds since 1970) instead')
    command.add_argument('--foreign', action='store_true', help=(
        'list what is no object instead: kind, path (in JSON), bytes, time. The kind is temporary, '
        'for what writers have left, or else foreign. Their numbers go to standard error'))
    command = as_json(registered(add(df, 'Print how many bytes and inodes there are, used and '
                                         'free.')),
                      'print what the module\'s statistics() returns instead')
    command.add_argument('--warn', metavar='PERCENT', type=_percentage, default=float('inf'),
                         help='exit with 1 if more than this is used of either')
    command = registered(add(sweep, 'List the temporaries that crashed writers have left.',
                             'Age is told by the clock of the filesystem itself, with a file that '
                             'this makes and removes.'))
    command.add_argument('--delete', action='store_true', help='remove them')
    command.add_argument('--older-than', metavar='AGE', type=_age, default='24h',
                         help='of this age only: a number and s, m, h or d (24h)')
    return parser


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


def _percentage(text):
    if not re.match(r'[0-9]{1,3}(\.[0-9]+)?\Z', text) or float(text) > 100:
        raise argparse.ArgumentTypeError('expected a number from 0 to 100')
    return float(text)


def _age(text):
    if not re.match(r'[0-9]{1,9}[smhd]\Z', text):
        raise argparse.ArgumentTypeError('expected a number and s, m, h or d, such as 90m')
    return int(text[:-1]) * _SECONDS[text[-1]]


def _storage(options, **settings):
    return FilesystemStorage(**dict(options.args, root=options.root, **settings))


def _root(options):
    return Root(options.root, options.args.get('root_id'))


def _act_as_owner(root):
    """Give up the superuser's rights for those of the root's owner, before anything is made.

    The server could not use what belongs to the superuser.
    """
    owner = os.stat(root.path)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


@contextlib.contextmanager
def _opened(name, mode, standard):
    if name == '-':
        if standard is None:
            raise EnvironmentError(errno.EBADF, 'it is closed', name)
        yield binary(standard)
    else:
        with open(name, mode) as stream:
            yield stream


class _Metered(object):
    """The stream `source`, whose bytes `progress` counts."""

    def __init__(self, source, progress):
        self._source, self._progress = source, progress

    def read(self, size):
        chunk = self._source.read(size)
        self._progress.update(len(chunk))
        return chunk


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
        columns = [module_data.of(path)]
    else:
        columns = [entry.kind, json.dumps(path)]
    columns += [str(status.st_size),
                time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(status.st_mtime))]
    return '\t'.join(columns) + '\n'


def _percent(numbers):
    return numbers['used'] * 100 / numbers['total'] if numbers['total'] > 0 else 0


def _bytes(number):
    for unit in ('B', 'KiB', 'MiB', 'GiB', 'TiB'):
        if number < 1024:
            return '%.*f %s' % (unit != 'B', number, unit)
        number /= 1024
    return '%.1f PiB' % number


def _fail(line):
    sys.stderr.write('mezeo_fsstore: %s\n' % line)
    return 1


def _reader_has_gone():
    """End quietly, as `| head` wants it: nothing more can be written, not even by the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
