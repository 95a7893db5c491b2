"""`put`, `get`, `size`, `stat` and `rm`: one object."""

import errno
import json
import os
import re
import sys
from stat import S_IMODE

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.advice import explain, shown
from mezeo_fsstore.admin.files import open_source, open_target
from mezeo_fsstore.admin.formats import printable, utc
from mezeo_fsstore.admin.inventory import digest_of
from mezeo_fsstore.admin.options import (
    add_as, add_command, add_json, add_object, add_registered, always, never)
from mezeo_fsstore.admin.progress import meter
from mezeo_fsstore.admin.registration import root_of, storage_of
from mezeo_fsstore.admin.terminal import say
from mezeo_fsstore.admin.users import group_name, user_name
from mezeo_fsstore.errors import ConfigurationError, InvalidModuleData, StorageUnavailable
from mezeo_fsstore.module_data import compose, parse
from mezeo_fsstore.streams import CHUNK_SIZE

_FULL_PATH = re.compile('(.*/)(%s)\\Z' % names.OBJECT)


def add_commands(commands):
    """Add the commands to the parser of the command line."""
    command = add_command(commands, put, 'Store a file as a new object and print its module_data.')
    add_registered(command)
    command.add_argument('file', metavar='FILE', help='the file, - for standard input')
    add_as(command)
    command = add_command(commands, get, 'Write the bytes of an object to standard output.',
                          reads=always)
    add_registered(command)
    add_object(command)
    command.add_argument('file', metavar='FILE', nargs='?', default='-', help=(
        'where to write instead, which is replaced once all is there; - for standard output'))
    for run, text, reads in (
            (size, 'Print the number of bytes of an object.', always),
            (stat, 'Print what is known of an object: path, bytes, time, mode, owner, digest.',
             always),
            (rm, 'Remove an object.', never)):
        command = add_command(commands, run, text, reads=reads)
        add_registered(command)
        add_object(command)
        if run is stat:
            add_json(command, 'print them as JSON')


def put(options):
    """Run `put`: store the file and print the `module_data` of the object."""
    if options.replace and options.module_data is None:
        raise ConfigurationError('--replace is for an object that --as names')
    with open_source(options.file) as source:
        root, storage = root_of(options, as_owner=True), storage_of(options)
        if options.module_data is None:
            return _store(root, storage, storage.new_data(None), source, fresh=True)
        path = _path_of(options, root)
        if not options.replace and storage.available(None, compose(path)):
            raise OSError(errno.EEXIST, 'the object is there: --replace puts this in its place',
                          root.join(path))
        return _store(root, storage, compose(path), source, fresh=False)


def _store(root, storage, module_data, source, fresh):
    """Store `source` and print `module_data`; return the exit status.

    The `module_data` of what is stored must not be lost. If it can not be printed, it is named on
    standard error; if that fails too, a `fresh` object is removed: nobody else knows of it.
    """
    stored = False
    try:
        with meter('byte', source.length()) as progress:
            storage.assign(None, module_data, _Metered(source, progress))
        stored = True
        sys.stdout.write(module_data + '\n')
        sys.stdout.flush()
        return 0
    except BaseException as error:
        if stored:
            state = 'is stored'
        elif fresh and not _removed(storage, module_data, error):
            state = 'may be stored'
        else:
            raise
        failure = isinstance(error, Exception)
        line = explain(error, root.path) if failure else 'interrupted'
        if not say('%s; the object %s: %s' % (line, state, module_data)) and fresh:
            _removed(storage, module_data, error)
        if failure:
            return 1
        raise


def _removed(storage, module_data, error):
    """Remove the object if it is there, after `error`. Return False if it may still be there."""
    try:
        if storage.available(None, module_data):
            storage.delete(None, module_data)
        return True
    except Exception:
        # If the root was missing, nothing was stored.
        return isinstance(error, StorageUnavailable)


def get(options):
    """Run `get`: write the bytes of the object."""
    # If the object is damaged, its last bytes are not written, and no file is replaced by it.
    root, storage = root_of(options), storage_of(options, verify_reads=True)
    path = _path_of(options, root)
    with storage.get_read_stream(None, compose(path)) as source:
        with open_target(options.file, root, path) as (target, beside):
            with meter('byte', _length(source), beside) as progress:
                for chunk in iter(lambda: _read(source, root.join(path)), b''):
                    target.write(chunk)
                    progress.update(len(chunk))
    return 0


def _length(source):
    # Not asked by its name: by now that may be another object's, or nobody's.
    source.seek(0, os.SEEK_END)
    length = source.tell()
    source.seek(0)
    return length


def size(options):
    """Run `size`: print the bytes of the object."""
    module_data = compose(_path_of(options, root_of(options)))
    print(storage_of(options).get_size(None, module_data))
    return 0


def stat(options):
    """Run `stat`: print what is known of the object."""
    root = root_of(options)
    path = _path_of(options, root)
    # It raises the errors of the root and of the object.
    storage_of(options).get_size(None, compose(path))
    full = root.join(path)
    found = disk.status_of_name(full)
    fields = [('path', path), ('file', printable(full)), ('size', found.st_size),
              ('mtime', found.st_mtime), ('mode', '%04o' % S_IMODE(found.st_mode)),
              ('owner', user_name(found.st_uid)), ('group', group_name(found.st_gid)),
              ('sha256', digest_of(full))]
    if options.json:
        print(json.dumps(dict(fields), sort_keys=True))
        return 0
    for name, value in fields:
        if name == 'mtime':
            name, value = 'time', utc(value)
        elif value is None:
            value = 'none'
        sys.stdout.write('%-6s %s\n' % (name, value))
    return 0


def rm(options):
    """Run `rm`: remove the object. One that is not there is an error: perhaps a wrong name."""
    module_data = compose(_path_of(options, root_of(options, as_owner=True)))
    storage = storage_of(options)
    storage.get_size(None, module_data)
    storage.delete(None, module_data)
    return 0


def _path_of(options, root):
    """Return the path of the object that MODULE_DATA names, relative to `root`.

    That is a module_data, a line of `ls` that begins with one, or the path, relative or full.
    Raises InvalidModuleData.
    """
    text = options.module_data.split('\t')[0]
    if names.is_object(text):
        return text
    full = _FULL_PATH.match(text)
    if full is None:
        return parse(text)
    if not os.path.isdir(full.group(1)) or not os.path.samefile(full.group(1), root.path):
        raise InvalidModuleData('%s is no object of %s' % (shown(text), shown(root.path)))
    return str(full.group(2))


def _read(source, path):
    try:
        return source.read(CHUNK_SIZE)
    except EnvironmentError as error:
        # Python gives no path to the errors of an open file.
        error.filename = error.filename or path
        raise


class _Metered(object):
    """Reads the stream `source` and counts its bytes with `progress`."""

    def __init__(self, source, progress):
        self._source, self._progress = source, progress

    def read(self, size):
        chunk = self._source.read(size)
        self._progress.update(len(chunk))
        return chunk
