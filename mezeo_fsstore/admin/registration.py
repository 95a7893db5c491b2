"""The ROOT of a command line: the root itself, or the file with its registration."""

import contextlib
import errno
import json
import os
import stat
from collections import OrderedDict

from mezeo_fsstore import arguments
from mezeo_fsstore.admin.advice import SOURCE, blame
from mezeo_fsstore.admin.terminal import warn
from mezeo_fsstore.admin.users import become
from mezeo_fsstore.errors import ConfigurationError, MissingRoot
from mezeo_fsstore.root import Root
from mezeo_fsstore.storage import FilesystemStorage

_MODULE = 'mezeo_fsstore.FilesystemStorage'
_KEYS = ('module', 'label', 'args')

# Bytes. A registration has some hundreds. No more than this is read of another file.
_LONGEST = 65536


def read_registration(options):
    """Read the registration that ROOT names, with the rights of the caller.

    Sets in the parsed command line `options`: `root`, the path of the root; `args`, the other
    registered arguments; `registration`, all of it; `source`, where it comes from. Raises
    ConfigurationError for a bad registration or root, Failed for a file that can't be read.
    """
    path = _absolute(options.root)
    is_file, has_args = _is_file(path), options.args is not None
    options.source = path if is_file else '--args'
    if is_file and has_args:
        raise ConfigurationError('--args: ROOT is a file with a registration, which has them')
    with _source_named(options):
        options.registration = _read(path) if is_file else _register(
            path, options.args if has_args else '{}')
        options.args = dict(options.registration['args'])
        options.root = arguments.absolute_path('root', options.args.pop('root', None))
    if os.path.realpath(options.root) == '/':
        raise ConfigurationError('the root is /: expected a folder for the objects alone')
    if has_args:
        warn('--args will go: write a file such as init prints, with these arguments in it, and '
             'name that file as ROOT')


def registration_with(options, root_id):
    """Return the registration that ROOT named, as JSON, with this `root_id`."""
    registration = options.registration
    registration['args'] = OrderedDict(registration['args'], root_id=root_id)
    return json.dumps(registration)


def root_of(options, as_owner=False):
    """Check the arguments and return the `Root` that the command line names.

    With `as_owner` the superuser becomes the owner of the root first. Raises as the constructor of
    FilesystemStorage does, and StorageUnavailable where the marker is not the registered one. Warns
    if there is no marker. A command that does not expect one checks it itself.
    """
    if as_owner:
        _act_as_owner(options.root)
    storage_of(options)
    root = Root(options.root, options.args.get('root_id'))
    if options.expects_marker:
        root.check_marker()
        if root.root_id is None:
            warn('%s has no marker: it may be the empty folder of a volume that is not mounted'
                 % root.path)
    return root


def storage_of(options, **settings):
    """Return a FilesystemStorage over that root; `settings` override its registered arguments."""
    with _source_named(options):
        return FilesystemStorage(**dict(options.args, root=options.root, **settings))


def _absolute(root):
    if not root:
        raise ConfigurationError('ROOT is empty: is a variable not set?')
    try:
        return os.path.abspath(root)
    except EnvironmentError:
        raise EnvironmentError(
            errno.ENOENT, 'there is no current directory: name it from / on', root)


def _is_file(path):
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except EnvironmentError:
        return False  # treat it as a missing root, which is reported later


def _register(path, args):
    """Return a registration of the directory `path` with the other arguments, the JSON `args`."""
    registered = OrderedDict(_object(args), root=path)
    return OrderedDict([('module', _MODULE), ('label', 'Filesystem Storage'),
                        ('args', registered)])


def _read(path):
    """Return the registration in the file `path`. Raises ConfigurationError or Failed."""
    with blame(SOURCE, path):
        with open(path, 'rb') as source:
            content = source.read(_LONGEST)
    if not content:
        raise ConfigurationError('it is empty, as `init FILE > FILE` makes it before it is read')
    registration = _object(content)
    for key in registration:
        if key not in _KEYS:
            raise ConfigurationError('the key %s is unknown: expected %s'
                                     % (json.dumps(key), ', '.join(_KEYS)))
    if registration.get('module') != _MODULE:
        raise ConfigurationError('the module is %s: expected "%s"'
                                 % (json.dumps(registration.get('module')), _MODULE))
    if not isinstance(registration.get('args'), OrderedDict):
        raise ConfigurationError('args is %s: expected an object with the root'
                                 % json.dumps(registration.get('args')))
    return registration


def _object(text):
    """Return the JSON object `text`, its keys in order. Raises ConfigurationError."""
    try:
        if isinstance(text, bytes):
            text = text.decode('utf-8')
        found = json.loads(text, object_pairs_hook=OrderedDict)
    except ValueError as error:
        raise ConfigurationError('expected a JSON object such as init prints: %s' % error)
    if not isinstance(found, OrderedDict):
        raise ConfigurationError('expected a JSON object such as init prints')
    return found


@contextlib.contextmanager
def _source_named(options):
    """For a `with`: put the source of the arguments in front of a ConfigurationError."""
    try:
        yield
    except MissingRoot:
        raise
    except ConfigurationError as error:
        raise ConfigurationError('%s: %s' % (options.source, error))


def _act_as_owner(path):
    """Give up the superuser's rights for those of the root's owner, before anything is made.

    Files of the superuser would be of no use to the server.
    """
    try:
        owner = os.stat(path)
    except EnvironmentError:
        return  # a missing root is reported later
    if os.geteuid() == 0 and owner.st_uid != 0:
        become(owner.st_uid, owner.st_gid)
