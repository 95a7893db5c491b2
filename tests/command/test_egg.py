"""The egg: compiled `mezeo_fsstore` and nothing else, and all it needs on a node."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

import mezeo_fsstore
from tests.support import PROJECT, EggTestCase, environment, run_python

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
        self.assertEqual(sorted([source + 'c' for source in sources] + ['__main__.pyc']),
                         sorted(names))

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
        self.on_node('-m', 'mezeo_fsstore', 'init', self.root)
        self.assertTrue(b'all is well' in self.on_node('-m', 'mezeo_fsstore', 'check', self.root))
        module_data = self.on_node('-m', 'mezeo_fsstore', 'put', self.root, '-', input=b'content')
        self.assertEqual(b'content', self.on_node(
            '-m', 'mezeo_fsstore', 'get', self.root, module_data.decode('ascii').strip()))

    def alone(self, *arguments, **options):
        """Run Python with neither the egg nor a platform on the path."""
        status, output, errors = run_python(*arguments, path=[], cwd=self.empty, **options)
        self.assertEqual((0, b''), (status, errors))
        return output.decode('utf-8')

    def test_the_egg_is_a_program_that_needs_nothing_else(self):
        registration = os.path.join(self.empty, 'registration.json')
        with open(registration, 'w') as target:
            target.write(self.alone(self.egg, 'init', self.root))
        self.assertTrue('all is well' in self.alone(self.egg, 'check', registration))
        module_data = self.alone(self.egg, 'put', registration, '-', input=b'content').strip()
        self.assertEqual('content', self.alone(self.egg, 'get', registration, module_data))
        self.assertEqual('mezeo_fsstore %s\n' % mezeo_fsstore.__version__,
                         self.alone(self.egg, '--version'))
        usage = 'usage: python%d %s ls' % (sys.version_info[0], self.egg)
        self.assertTrue(usage in self.alone(self.egg, 'ls', '--help'))

    def test_so_is_the_package_on_the_path(self):
        self.alone(self.egg, 'init', self.root)
        status, output, errors = run_python('-m', 'mezeo_fsstore', 'ls', self.root,
                                            path=[self.egg], cwd=self.empty)
        self.assertEqual((0, b'', b'0 objects\n'), (status, output, errors))

    def test_the_program_needs_no_current_directory(self):
        self.alone(self.egg, 'init', self.root)
        programs = [([self.egg], '')]
        if sys.version_info[0] == 3:  # on Python 2 `-m` itself needs one
            programs.append((['-m', 'mezeo_fsstore'], self.egg))
        for program, path in programs:
            for arguments, expected in ((['check', self.root], 0), (['ls', self.root], 0),
                                        ([], 2), (['ls', 'relative'], 1)):
                gone = tempfile.mkdtemp(dir=self.built)

                def leave():
                    os.chdir(gone)
                    os.rmdir(gone)
                process = subprocess.Popen(
                    [sys.executable] + program + arguments, env=environment(path),
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=leave)
                errors = process.communicate()[1].decode('utf-8')
                self.assertEqual(expected, process.returncode, errors)
                self.assertEqual(expected > 0, errors not in ('', '0 objects\n'), errors)
                self.assertFalse('Traceback' in errors, errors)

    def test_what_fails_inside_of_the_platforms_modules_is_not_hidden(self):
        for number, (content, words) in enumerate((
                (b'import nothing_of_this_name', 'nothing_of_this_name'),
                (b'from os import nothing_of_this_name', 'nothing_of_this_name'),
                (b'raise ImportError("broken")', 'broken'),
                (b'', 'StorageModule'))):
            folder = os.path.join(self.empty, str(number))
            os.mkdir(folder)
            with open(os.path.join(folder, 'modules.py'), 'wb') as base:
                base.write(content)
            status, _, errors = run_python('-c', 'import mezeo_fsstore', cwd=self.empty,
                                           path=[folder, self.egg])
            self.assertEqual(1, status)
            self.assertTrue(words in errors.decode('ascii').splitlines()[-1], errors)
        os.unlink(os.path.join(folder, 'modules.py'))
        with open(os.path.join(folder, 'modules.pyc'), 'wb') as base:
            base.write(b'of another Python')
        status, _, errors = run_python('-c', 'import mezeo_fsstore', cwd=self.empty,
                                       path=[folder, self.egg])
        self.assertEqual(1, status)
        self.assertTrue(b'agic number' in errors, errors)

    def test_without_a_platform_the_module_is_whole(self):
        self.alone('-c', 'import sys\n'
                         'sys.path.insert(0, %r)\n'
                         'from mezeo_fsstore import FilesystemStorage\n'
                         'assert FilesystemStorage.__bases__ == (object,)\n'
                         'FilesystemStorage(root=%r).statistics(None)\n' % (self.egg, self.root))

    def test_the_folder_of_the_command_can_be_deleted(self):
        package = os.path.join(self.empty, 'mezeo_fsstore')
        shutil.copytree(os.path.join(PROJECT, 'mezeo_fsstore'), package)
        for left in (os.path.join(package, 'admin'), os.path.join(package, '__pycache__')):
            shutil.rmtree(left, ignore_errors=True)
        registration = json.dumps({'module': 'mezeo_fsstore.FilesystemStorage',
                                   'args': {'root': self.root}})
        status, _, errors = run_python('-c', HOST.replace("assert '.egg' in", 'assert'),
                                       registration, cwd=self.empty, path=[self.node])
        self.assertEqual((0, b''), (status, errors))

    def test_the_module_works_without_the_command(self):
        bare = os.path.join(self.empty, 'bare.egg')
        with contextlib.closing(zipfile.ZipFile(self.egg)) as egg:
            with contextlib.closing(zipfile.ZipFile(bare, 'w')) as rest:
                for name in egg.namelist():
                    if not re.search('^mezeo_fsstore/admin/|(^|/)__main__[.]', name):
                        rest.writestr(name, egg.read(name))
        registration = json.dumps({'module': 'mezeo_fsstore.FilesystemStorage',
                                   'args': {'root': self.root}})
        status, _, errors = run_python('-c', HOST, registration, cwd=self.empty,
                                       path=[bare, self.node])
        self.assertEqual((0, b''), (status, errors))
