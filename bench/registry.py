"""All contenders by the name that the tables show."""

import importlib
import os

_CLASSES = {
    'floor': 'floor.Floor',
    'floor, durable': 'floor.DurableFloor',
    'floor, digest': 'floor.HashingFloor',
    'floor, digest, durable': 'floor.DurableHashingFloor',
    'one folder': 'floor.OneFolder',
    'one folder, durable': 'floor.DurableOneFolder',
    'bare': 'floor.Bare',
    '256 shards': 'floor.Shards256',
    '256 x 256 shards': 'floor.Shards256Of256',
    'sendfile': 'floor.Sendfile',
    'sendfile, durable': 'floor.DurableSendfile',
    'reflink': 'floor.Reflink',
    'reflink, durable': 'floor.DurableReflink',
    'mezeo_fsstore': 'ours.Ours',
    'mezeo_fsstore, digest': 'ours.WithDigest',
    'mezeo_fsstore, durable': 'ours.DurableOurs',
    'mezeo_fsstore, no digest, durable': 'ours.WithoutDigest',
    'chunks of 64 KiB': 'ours.Chunks64K',
    'chunks of 1 MiB': 'ours.Chunks1M',
    'chunks of 4 MiB': 'ours.Chunks4M',
    'simple': 'ours.Simple',
    'filedepot': 'peers.Filedepot',
    'minimalkv': 'peers.Minimalkv',
    'libcloud': 'peers.Libcloud',
    'django': 'peers.Django',
    'fsspec': 'peers.Fsspec',
    'obstore': 'peers.Obstore',
    'atomicwrites': 'peers.Atomicwrites',
    'swift': 'peers.Swift',
}

#: Those that never sync, those that do, and those whose reading is worth comparing.
RELAXED = ('floor', 'mezeo_fsstore', 'simple', 'filedepot', 'minimalkv', 'libcloud', 'django',
           'fsspec', 'obstore')
DURABLE = ('floor, durable', 'floor, digest, durable', 'mezeo_fsstore, durable',
           'mezeo_fsstore, no digest, durable', 'atomicwrites', 'swift')
READERS = RELAXED + ('swift',)


def guarantee(name):
    """Return in a word or two what a crash leaves of an object that `name` writes."""
    kind = _class(name)
    if kind.in_place:
        return 'in place: torn by a crash'
    return 'atomic, durable' if kind.durable else 'atomic'


def is_peer(name):
    """Return whether `name` is neither of this project nor made of bare calls."""
    return _CLASSES[name].startswith('peers.')


def is_bare(name):
    """Return whether `name` is made of bare calls."""
    return _CLASSES[name].startswith('floor.')


class LeftOut(Exception):
    """The contender can't take part; the message says why."""


def require(name, methods):
    """Raise LeftOut unless the contender `name` has all `methods`."""
    for method in methods:
        if not hasattr(_class(name), method):
            raise LeftOut('has no %s' % method)


def make(name, root):
    """Return the contender `name` in the folder `root`, made if need be.

    Raises LeftOut where it can't be imported or can't work there.
    """
    os.makedirs(root, exist_ok=True)
    try:
        return _class(name)(root)
    except (ImportError, NotImplementedError) as error:
        raise LeftOut(str(error))


class Pool:
    """The contenders that all rows share, each made once, in a folder of its own in `folder`."""

    def __init__(self, folder):
        self._folder = folder
        self._made = {}

    def choose(self, names, methods):
        """Return the name -> contender of those with all `methods`, name -> reason of the rest."""
        found, left_out = {}, {}
        for name in names:
            try:
                require(name, methods)
                found[name] = self._get(name)
            except LeftOut as error:
                left_out[name] = str(error)
        return found, left_out

    def _get(self, name):
        if name not in self._made:
            self._made[name] = make(name, os.path.join(self._folder, name.replace(', ', '-')))
        return self._made[name]


def _class(name):
    module, kind = _CLASSES[name].split('.')
    return getattr(importlib.import_module('bench.' + module), kind)
