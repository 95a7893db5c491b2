"""All contenders by the name that the tables show."""

import importlib
import os

_CLASSES = {
    'floor': 'floor.Floor',
    'floor, durable': 'floor.DurableFloor',
    'bare look': 'floor.BareLook',
    'sendfile': 'floor.Sendfile',
    'sendfile, durable': 'floor.DurableSendfile',
    'reflink': 'floor.Reflink',
    'reflink, durable': 'floor.DurableReflink',
    'mezeo_fsstore': 'ours.Ours',
    'mezeo_fsstore, durable': 'ours.DurableOurs',
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
DURABLE = ('floor, durable', 'mezeo_fsstore, durable', 'atomicwrites', 'swift')
READERS = RELAXED + ('swift',)


def guarantee(name):
    """Return in a word or two what a crash leaves of an object that `name` writes."""
    kind = _class(name)
    if kind.in_place:
        return 'in place: torn by a crash'
    return 'atomic, durable' if kind.durable else 'atomic'


def note(name):
    """Return what a reader of the tables should know of the contender `name`."""
    return _class(name).note


class LeftOut(Exception):
    """The contender can't take part; the message says why."""


def make(name, root, methods=()):
    """Return the contender `name` in the new folder `root`.

    Raises LeftOut where it can't be imported, can't work there or lacks one of `methods`.
    """
    kind = _class(name)
    for method in methods:
        if not hasattr(kind, method):
            raise LeftOut('has no %s' % method)
    os.makedirs(root, exist_ok=True)
    try:
        return kind(root)
    except (ImportError, NotImplementedError) as error:
        raise LeftOut(str(error))


def _class(name):
    module, kind = _CLASSES[name].split('.')
    return getattr(importlib.import_module('bench.' + module), kind)
