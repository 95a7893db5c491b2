"""The egg: compiled `mezeo_fsstore` and nothing else, and all it needs on a node."""

import contextlib
import json
import os
import re
import tempfile
import zipfile

import mezeo_fsstore
from tests.support import PROJECT, EggTestCase, run_python

# What a server process does with a registration.
HOST = '''
import io, json, sys
registration = json.loads(sys.argv[1])
package, name = registration['module'].rsplit('.', 1)
module = __import__(package, fromlist=[str(name)])
storage = getattr(module, name)(**registration['args'])
module_data = storage.new_data({})
storage.assign({}, module_data, io.BytesIO(b'content'))
assert storage.available({}, module_data) is True
assert storage.get_size({}, module_data) == 7
assert storage.get_read_stream({}, module_data).read() == b'content'
storage.delete({}, module_data)
assert storage.available({}, module_data) is False
assert '.egg' in module.__file__, module.__file__
import modules
assert modules.StorageModule.__doc__ == "The platform's own."
sys.stdout.write(module.__version__)
'''


class EggTest(EggTestCase):

    def setUp(self):
        self.node = os.path.dirname(self.egg)
        self.empty = tempfile.mkdtemp(dir=self.built)
        self.root = tempfile.mkdtemp(dir=self.built)

    def on_node(self, *arguments, **options):
        """Run Python in an empty folder, with the egg and a foreign `modules` on the path."""
        status, output, errors = run_python(*arguments, cwd=self.empty,
                                            path=[self.egg, self.node], **options)
        self.assertEqual((0, b''), (status, errors))
        return output

    def test_it_holds_the_compiled_code_of_the_package_and_nothing_else(self):
        with contextlib.closing(zipfile.ZipFile(self.egg)) as egg:
            names = [name for name in egg.namelist() if not name.startswith('EGG-INFO/')]
        package = os.path.join(PROJECT, 'mezeo_fsstore')
        sources = [os.path.relpath(os.path.join(folder, name), PROJECT)
                   for folder, _, found in os.walk(package) for name in found
                   if name.endswith('.py')]
        self.assertEqual(sorted(source + 'c' for source in sources), sorted(names))

    def test_without_setuptools_setup_py_says_in_one_line_what_to_install(self):
        program = ('import runpy, sys\n'
                   'sys.modules["setuptools"] = None\n'
                   'runpy.run_path(%r)\n' % os.path.join(PROJECT, 'setup.py'))
        status, output, errors = run_python('-c', program, cwd=self.empty)
        self.assertEqual((1, b'', 1), (status, output, errors.count(b'\n')))
        self.assertTrue(errors.startswith(b'setup.py: setuptools is missing: '), errors)
        self.assertTrue(b'python3-setuptools' in errors, errors)

    def test_it_carries_the_version_of_the_package(self):
        with contextlib.closing(zipfile.ZipFile(self.egg)) as egg:
            information = egg.read('EGG-INFO/PKG-INFO').decode('utf-8')
        version = re.search('^Version: (.*)$', information, re.M).group(1)
        self.assertEqual(mezeo_fsstore.__version__, version)
        self.assertTrue(os.path.basename(self.egg).startswith('mezeo_fsstore-%s-py' % version))

    def test_a_server_loads_and_uses_it_by_its_registration(self):
        registration = json.dumps({'module': 'mezeo_fsstore.FilesystemStorage', 'label': 'Files',
                                   'args': {'root': self.root, 'durable': 'false'}})
        output = self.on_node('-c', HOST, registration)
        self.assertEqual(mezeo_fsstore.__version__, output.decode('ascii'))

    def test_a_server_loads_what_init_prints(self):
        registration = self.on_node('-m', 'mezeo_fsstore', 'init', self.root)
        self.on_node('-c', HOST, registration.decode('ascii'))

    def test_the_command_works_from_it(self):
        self.assertTrue(b'all is well' in self.on_node('-m', 'mezeo_fsstore', 'check', self.root))
        module_data = self.on_node('-m', 'mezeo_fsstore', 'put', self.root, '-', input=b'content')
        self.assertEqual(b'content', self.on_node(
            '-m', 'mezeo_fsstore', 'get', self.root, module_data.decode('ascii').strip()))

    def test_the_module_works_without_the_command(self):
        bare = os.path.join(self.empty, 'bare.egg')
        with contextlib.closing(zipfile.ZipFile(self.egg)) as egg:
            with contextlib.closing(zipfile.ZipFile(bare, 'w')) as rest:
                for name in egg.namelist():
                    if not re.search('^mezeo_fsstore/(admin/|__main__[.])', name):
                        rest.writestr(name, egg.read(name))
        registration = json.dumps({'module': 'mezeo_fsstore.FilesystemStorage',
                                   'args': {'root': self.root}})
        status, _, errors = run_python('-c', HOST, registration, cwd=self.empty,
                                       path=[bare, self.node])
        self.assertEqual((0, b''), (status, errors))
