"""What the suites of layered modules share: a stack of registered modules at two locations."""

import json
import os
import shutil
import tempfile

from tests.kit import StorageModuleTestBase
from tests.kit.miniature import Platform

# Registrations. At each location '@' becomes its folder, '#' its number.
SIMPLE = {'module': 'simple.simple.SimpleStorage', 'args': {'storage_dir': '@/store'}}
FILES = {'module': 'mezeo_fsstore.FilesystemStorage',
         'args': {'root': '@/store', 'durable': 'false'}}


def encrypted(below):
    """Return the registration of an EncryptedStorage on top of the module `below`."""
    return {'module': 'tests.examples.encrypted.EncryptedStorage',
            'args': {'module': '%s #' % below, 'key': '0123456789abcdef' * 4}}


def deduplicated(below):
    """Return the registration of a DeduplicatedStorage on top of the module `below`."""
    return {'module': 'tests.examples.deduplicated.DeduplicatedStorage',
            'args': {'module': '%s #' % below, 'index': '@/index', 'durable': 'false'}}


def registrations(layers, folder, number=0):
    """Return the JSON texts that register `layers`, pairs of a label and a registration.

    The directories that they name are made, if they are not there, below `folder`.
    """
    for part in ('store', 'index/contents', 'index/references', 'index/pending'):
        if not os.path.isdir(os.path.join(folder, part)):
            os.makedirs(os.path.join(folder, part))
    return [json.dumps(dict(layer, label='%s #' % label)).replace('@', folder)
            .replace('#', str(number)) for label, layer in layers]


def sweep(platform):
    """Have the modules of `platform` that destroy later do it now."""
    for module in platform.modules.values():
        if hasattr(module, 'sweep'):
            module.sweep(platform.context)


class LayerCase(StorageModuleTestBase):
    """The kit for the topmost of `layers`, pairs of a label and a registration, lowest first."""

    layers = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='layers-test-')
        self.locations = 0
        self.platform = Platform([])
        super(LayerCase, self).setUp(self.makeConnectorElsewhere(), self.platform.context)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def makeConnector(self):
        return self.make_location(0)

    def makeConnectorElsewhere(self):
        self.locations += 1
        return self.make_location(self.locations - 1)

    def make_location(self, number):
        """Return the topmost of new instances of all layers, over the storage of a location."""
        for text in registrations(self.layers, os.path.join(self.folder, str(number)), number):
            self.platform.register(text)
        return self.platform.module('%s %d' % (self.layers[-1][0], number))

    def listStorage(self):
        sweep(self.platform)
        folder = os.path.join(self.folder, '0')
        return [os.path.relpath(os.path.join(parent, name), folder)
                for parent, _, names in os.walk(folder) for name in names]

    def stored_files(self):
        """Return the contents of the files that the lowest module keeps."""
        return [read_file(os.path.join(self.folder, '0', name)) for name in self.listStorage()
                if name.startswith('store')]


def read_file(path):
    with open(path, 'rb') as source:
        return source.read()
