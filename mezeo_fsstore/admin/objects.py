"""`put`, `get`, `size` and `rm`: one object."""

import contextlib
import errno
import sys

from mezeo_fsstore.admin.options import add_command, add_object, add_registered, always, never
from mezeo_fsstore.admin.registration import root_of, storage_of
from mezeo_fsstore.admin.terminal import binary, meter
from mezeo_fsstore.streams import CHUNK_SIZE


def add_commands(commands):
    """Add the commands to the parser of the command line."""
    command = add_command(commands, put, 'Store a file as a new object and print its module_data.')
    add_registered(command)
    command.add_argument('file', metavar='FILE', help='the file, - for standard input')
    command = add_command(commands, get, 'Write the bytes of an object to standard output.',
                          reads=always)
    add_registered(command)
    add_object(command)
    command.add_argument('file', metavar='FILE', nargs='?', default='-',
                         help='where to write instead, - for standard output')
    for run, text, reads in ((size, 'Print the number of bytes of an object.', always),
                             (rm, 'Remove an object.', never)):
        command = add_command(commands, run, text, reads=reads)
        add_registered(command)
        add_object(command)


def put(options):
    """Run `put`: print the `module_data` of the new object."""
    with _opened(options.file, 'rb', sys.stdin) as source:
        root_of(options, as_owner=True)
        with meter('bytes') as progress:
            made = storage_of(options).put(None, _Metered(source, progress))
    print(made)
    return 0


def get(options):
    """Run `get`: write the bytes of the object."""
    root_of(options)
    with storage_of(options).get_read_stream(None, options.module_data) as source:
        with _opened(options.file, 'wb', sys.stdout) as target:
            with meter('bytes', beside=target) as progress:
                metered = _Metered(source, progress)
                for chunk in iter(lambda: metered.read(CHUNK_SIZE), b''):
                    target.write(chunk)
                target.flush()
    return 0


def size(options):
    """Run `size`: print the bytes of the object."""
    root_of(options)
    print(storage_of(options).get_size(None, options.module_data))
    return 0


def rm(options):
    """Run `rm`: remove the object, which must be there: else it may be another that was meant."""
    root_of(options)
    storage = storage_of(options)
    storage.get_size(None, options.module_data)
    storage.delete(None, options.module_data)
    return 0


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
