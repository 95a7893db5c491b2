"""`put`, `get`, `size` and `rm`: one object."""

import contextlib
import errno
import os
import stat
import sys

from mezeo_fsstore.admin.options import add_command, add_object, add_registered
from mezeo_fsstore.admin.registration import act_as_owner, root_of, storage_of
from mezeo_fsstore.admin.terminal import binary, meter
from mezeo_fsstore.streams import CHUNK_SIZE


def add_commands(commands):
    """Add the commands to the parser of the command line."""
    command = add_command(commands, put, 'Store a file as a new object and print its module_data.')
    add_registered(command)
    command.add_argument('file', metavar='FILE', help='the file, - for standard input')
    command = add_command(commands, get, 'Write the bytes of an object to standard output.')
    add_registered(command)
    add_object(command)
    command.add_argument('file', metavar='FILE', nargs='?', default='-',
                         help='where to write instead, - for standard output')
    for run, text in ((size, 'Print the number of bytes of an object.'), (rm, 'Remove an object.')):
        command = add_command(commands, run, text)
        add_registered(command)
        add_object(command)


def put(options):
    """Run `put`: print the `module_data` of the new object."""
    with _opened(options.file, 'rb', sys.stdin) as source:
        act_as_owner(root_of(options))
        with meter('byte', _length(source)) as progress:
            made = storage_of(options).put(None, _Metered(source, progress))
    print(made)
    return 0


def get(options):
    """Run `get`: write the bytes of the object."""
    with storage_of(options).get_read_stream(None, options.module_data) as source:
        with _opened(options.file, 'wb', sys.stdout) as target:
            beside = target if options.file == '-' else None
            with meter('byte', _length(source), beside) as progress:
                metered = _Metered(source, progress)
                for chunk in iter(lambda: metered.read(CHUNK_SIZE), b''):
                    target.write(chunk)
                target.flush()
    return 0


def size(options):
    """Run `size`: print the bytes of the object."""
    print(storage_of(options).get_size(None, options.module_data))
    return 0


def rm(options):
    """Run `rm`: remove the object, which must be there: else it may be another that was meant."""
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


def _length(source):
    """Return how many bytes there are to come, None where only the end will tell."""
    found = os.fstat(source.fileno())
    return found.st_size - os.lseek(source.fileno(), 0, os.SEEK_CUR) if stat.S_ISREG(
        found.st_mode) else None


class _Metered(object):
    """The stream `source`, whose bytes `progress` counts."""

    def __init__(self, source, progress):
        self._source, self._progress = source, progress

    def read(self, size):
        chunk = self._source.read(size)
        self._progress.update(len(chunk))
        return chunk
