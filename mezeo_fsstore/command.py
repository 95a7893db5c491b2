"""The administrator's command, `python -m mezeo_fsstore`. The module works without this file."""

import argparse
import contextlib
import errno
import json
import os
import shutil
import sys

from mezeo_fsstore.check import examine
from mezeo_fsstore.compat import binary
from mezeo_fsstore.errors import ConfigurationError, StorageUnavailable
from mezeo_fsstore.root import Root
from mezeo_fsstore.storage import FilesystemStorage
from mezeo_fsstore.streams import CHUNK_SIZE


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
        return _fail(error)
    except ConfigurationError as error:
        parser.error(str(error))
    except Exception as error:
        if getattr(error, 'errno', None) == errno.EPIPE:
            return _reader_has_gone()
        return _fail(error)


def check(options):
    """Run `check`: print a line for each step, and return 1 if any failed."""
    durable, volatile = _storage(options, durable=True), _storage(options, durable=False)
    return 0 if examine(options.root, durable, volatile) else 1


def init(options):
    """Run `init`: print the registration of the marked root."""
    root = _root(options)
    print('{"module": "mezeo_fsstore.FilesystemStorage", "label": "Filesystem Storage", '
          '"args": {"root": %s, "root_id": "%s"}}'
          % (json.dumps(root.path), root.mark()))
    return 0


def put(options):
    """Run `put`: print the `module_data` of the new object."""
    with _opened(options.file, 'rb', sys.stdin) as source:
        print(_storage(options).put(None, source))
    return 0


def get(options):
    """Run `get`: write the bytes of the object."""
    with _storage(options).get_read_stream(None, options.module_data) as source:
        with _opened(options.file, 'wb', sys.stdout) as target:
            shutil.copyfileobj(source, target, CHUNK_SIZE)
            target.flush()
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog='python -m mezeo_fsstore', description='Look after a root of FilesystemStorage.',
        epilog='Run by the superuser, it acts as the user who owns the root.')
    commands = parser.add_subparsers(metavar='COMMAND', dest='command')
    commands.required = True

    def add(run, text):
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument('root', metavar='ROOT', type=os.path.abspath,
                             help='the root directory, as registered')
        return command

    def add_storage(run, text):
        command = add(run, text)
        command.add_argument('--args', metavar='JSON', type=_json_object, default={},
                             help='other arguments of the registration, such as '
                                  '\'{"file_mode": "0640"}\'')
        return command

    add_storage(check, 'Live the whole life of objects on this very root, time each step, '
                       'and tell what its filesystem offers.')
    add(init, 'Mark the root with a random id, unless it has one, and print the JSON to register.')
    command = add_storage(put, 'Store a file as a new object and print its module_data.')
    command.add_argument('file', metavar='FILE', help='the file, - for standard input')
    command = add_storage(get, 'Write the content of an object to standard output.')
    command.add_argument('module_data', metavar='MODULE_DATA', help='as put has printed it')
    command.add_argument('file', metavar='FILE', nargs='?', default='-',
                         help='where to write instead, - for standard output')
    return parser


def _json_object(text):
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise argparse.ArgumentTypeError('expected a JSON object')
    return dict((str(name), fields[name]) for name in fields)


def _storage(options, **settings):
    _root(options)
    return FilesystemStorage(**dict(options.args, root=options.root, **settings))


def _root(options):
    """Return the Root, and give up the superuser's rights for those of its owner.

    The server could not use what belongs to the superuser.
    """
    root = Root(options.root)
    owner = os.stat(root.path)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    return root


@contextlib.contextmanager
def _opened(name, mode, standard):
    if name == '-':
        yield binary(standard)
    else:
        with open(name, mode) as stream:
            yield stream


def _fail(error):
    # One line, whatever the text of an exception holds.
    text = ' '.join(str(error).split()) or type(error).__name__
    sys.stderr.write('mezeo_fsstore: %s\n' % text)
    return 1


def _reader_has_gone():
    """End quietly, as `| head` wants it: nothing more can be written, not even by the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
