"""What all tests share: test cases with a root, and helpers for files and processes."""

import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

try:
    import unittest2 as unittest
except ImportError:
    import unittest
try:
    from unittest import mock
except ImportError:
    import mock

from mezeo_fsstore import FilesystemStorage, names
from mezeo_fsstore.admin import inventory, marking
from mezeo_fsstore.root import Root
from tests import Stream

__all__ = ['unittest', 'mock', 'PROJECT', 'SOAK', 'RootTestCase', 'CommandTestCase', 'EggTestCase',
           'open_descriptors', 'environment', 'heed_interrupts', 'mounted', 'wait_until',
           'find_program', 'place_for_many_files', 'closed_to_others', 'get_attribute',
           'set_attribute', 'keeps_attributes', 'path_in', 'mark', 'entries_of', 'run_python',
           'start_python', 'build_egg', 'FOREIGN_BASE']

# With MEZEO_FSSTORE_SOAK=1 tests that find more in more time take minutes, not seconds.
SOAK = os.environ.get('MEZEO_FSSTORE_SOAK') == '1'

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# The base class of another platform, without our code.
FOREIGN_BASE = 'class StorageModule(object):\n    """The platform\'s own."""\n'


class RootTestCase(unittest.TestCase):
    """A test with an empty root, `self.root`, and a module over it, `self.storage`.

    The test fails if it leaves a descriptor open or a temporary in the root.
    """

    settings = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='mezeo_fsstore-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = os.path.join(self.folder, 'root')
        os.mkdir(self.root)
        self.storage = self.make()
        descriptors = open_descriptors()
        self.addCleanup(lambda: self.assertEqual(descriptors, open_descriptors()))
        self.addCleanup(lambda: self.assertEqual([], self.temporaries()))

    def make(self, **changes):
        """Return a module over `self.root` with the settings of the class and these changes."""
        return FilesystemStorage(**dict(dict(self.settings, root=self.root), **changes))

    def put(self, content=b'content'):
        return self.storage.put(None, Stream(content))

    def get(self, module_data):
        with self.storage.get_read_stream(None, module_data) as stream:
            return stream.read()

    def path(self, module_data):
        """Return the path of the file that must hold the object."""
        return os.path.join(self.root, path_in(module_data))

    def files(self):
        """Return the paths of all files below the root, relative to it, in order."""
        return sorted(os.path.relpath(os.path.join(folder, name), self.root)
                      for folder, _, names in os.walk(self.root) for name in names)

    def temporaries(self):
        return [path for path in self.files()
                if os.path.basename(path).startswith('.') and path != '.mezeo_fsstore']

    def let_all_in(self):
        """Let other users reach the root; skip the test if a folder above keeps them out."""
        os.chmod(self.folder, 0o755)
        barrier = closed_to_others(self.folder)
        if barrier:
            self.skipTest('another user can not reach %s' % barrier)

    def raised(self, kind, call, *arguments):
        """Return the exception of class `kind` that the call raises."""
        try:
            call(*arguments)
        except kind as error:
            return error
        self.fail('%s was not raised' % (kind,))


class CommandTestCase(RootTestCase):
    """A test of `python -m mezeo_fsstore` with a marked root."""

    def setUp(self):
        super(CommandTestCase, self).setUp()
        self.root_id = mark(self.root)

    def files(self):
        """Return the paths of all files below the root but for its marker, in order."""
        return [path for path in super(CommandTestCase, self).files() if path != names.MARKER]

    def unmark(self):
        """Remove the marker, as if the volume were not mounted."""
        os.unlink(os.path.join(self.root, names.MARKER))

    def registration(self, **arguments):
        """Return the path of a file with the registration of the root, with these arguments."""
        path = os.path.join(self.folder, 'registration.json')
        with open(path, 'w') as target:
            json.dump({'module': 'mezeo_fsstore.FilesystemStorage', 'label': 'Files',
                       'args': dict({'root': self.root}, **arguments)}, target)
        return path

    def run_command(self, *arguments, **options):
        return run_python('-m', 'mezeo_fsstore', *arguments, **options)

    def succeeds(self, *arguments, **options):
        """Run the command, which must exit with 0 and print no errors; return its output."""
        status, output, errors = self.run_command(*arguments, **options)
        if arguments[0] == 'ls':
            # It prints the number of objects on standard error.
            errors = re.sub(b'^[0-9]+ objects?\n$', b'', errors)
        self.assertEqual((0, b''), (status, errors))
        return output.decode('utf-8')

    def fails(self, *arguments, **options):
        """Run the command, which must exit with 1 and one line of errors; return that line."""
        status, _, errors = self.run_command(*arguments, **options)
        self.assertEqual(1, status, errors)
        line = errors.decode('utf-8')
        self.assertTrue(line.startswith('mezeo_fsstore: ') and line.endswith('\n'), line)
        self.assertEqual(1, line.count('\n'), line)
        return line


class EggTestCase(unittest.TestCase):
    """Tests with an egg, `self.egg`, built once for the class in the folder `self.built`."""

    @classmethod
    def setUpClass(cls):
        cls.built = tempfile.mkdtemp(prefix='mezeo_fsstore-test-')
        try:
            cls.egg = build_egg(cls.built)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.built)


@contextlib.contextmanager
def mounted(test, kind, folder, options, source='mezeo_fsstore-test'):
    """Mount a filesystem on `folder` for a `with`; skip the test where that is not allowed."""
    command = ['mount', '-t', kind, '-o', options or 'defaults', source, folder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.communicate()[0]
    if process.returncode:
        test.skipTest('no filesystem can be mounted here: %s' % output.decode('utf-8').strip())
    try:
        yield
    finally:
        subprocess.check_call(['umount', folder])


def wait_until(condition, what='what was waited for', patience=30):
    """Call `condition()` until its result is true; return that.

    Raises AssertionError, with `what`, if that takes more than `patience` seconds.
    """
    deadline = time.time() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.time() > deadline:
            raise AssertionError('not within %d seconds: %s' % (patience, what))
        time.sleep(0.02)


def find_program(name, beyond=('/usr/sbin', '/sbin')):
    """Return the path of a program, None where there is none; `beyond` are folders besides PATH."""
    for folder in os.environ.get('PATH', os.defpath).split(os.pathsep) + list(beyond):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    return None


def place_for_many_files():
    """Return a folder where many files are made quickly: in memory, unless TMPDIR names another."""
    in_memory = 'TMPDIR' not in os.environ and os.access('/dev/shm', os.W_OK)
    return '/dev/shm' if in_memory else tempfile.gettempdir()


def closed_to_others(folder):
    """Return the nearest folder above `folder` that keeps other users out, None for none."""
    while folder != '/':
        folder = os.path.dirname(folder)
        if not os.stat(folder).st_mode & 0o001:
            return folder
    return None


def get_attribute(path, name='user.sha256'):
    """Return the extended attribute of a file as text, None where there is none.

    It uses Python or `getfattr`, not our code.
    """
    if hasattr(os, 'getxattr'):
        try:
            return os.getxattr(path, name).decode('latin-1')
        except OSError:
            return None
    process = subprocess.Popen(['getfattr', '--only-values', '--absolute-names', '-n', name, path],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    value = process.communicate()[0].decode('latin-1')
    return None if process.returncode else value


def set_attribute(path, value, name='user.sha256'):
    """Set an extended attribute of a file; with None, remove it."""
    if not hasattr(os, 'setxattr'):
        change = ['-x', name] if value is None else ['-n', name, '-v', value]
        subprocess.check_call(['setfattr'] + change + [path], stderr=subprocess.PIPE)
    elif value is None:
        os.removexattr(path, name)
    else:
        os.setxattr(path, name, value.encode('latin-1'))


def keeps_attributes(folder):
    """Return whether the files in `folder` can have attributes (Python 2 needs tools for them)."""
    with tempfile.NamedTemporaryFile(dir=folder) as probe:
        try:
            set_attribute(probe.name, 'x')
        except (EnvironmentError, subprocess.CalledProcessError):
            return False
        return get_attribute(probe.name) == 'x'


def mark(root):
    """Mark the directory `root` as `init` does, and return the id."""
    return marking.mark(Root(root))


def entries_of(root):
    """Yield an Entry of the inventory for each thing in the directory `root`.

    Raises the first error that a walk would only report.
    """
    def failed(error):
        raise error

    root = Root(root)
    for place in inventory.places(root, failed):
        for entry in inventory.entries_in(root, place, failed):
            yield entry


def path_in(module_data):
    """Return the path in a `module_data` of ours. It does not use our code."""
    return module_data.split('"')[3]


def open_descriptors():
    """Return the numbers of this process's open descriptors, in order."""
    folder = '/proc/self/fd' if os.path.isdir('/proc/self/fd') else '/dev/fd'
    return sorted(int(name) for name in os.listdir(folder) if _is_open(int(name)))


def _is_open(fd):
    try:
        os.fstat(fd)
    except OSError:  # the one that listed the folder
        return False
    return True


def environment(*path, **changes):
    """Return the environment for a child, with the variables `changes`.

    It has PATH, HOME and TMPDIR of the caller, and nothing else that happens to be exported here.
    `path` becomes PYTHONPATH.
    """
    variables = dict((name, os.environ[name]) for name in ('PATH', 'HOME', 'TMPDIR')
                     if name in os.environ)
    if path:
        variables['PYTHONPATH'] = os.pathsep.join(path)
    return dict(variables, **changes)


def heed_interrupts():
    """For `preexec_fn`: let signals end the child that background jobs and `nohup` ignore."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def run_python(*arguments, **options):
    """Run this interpreter and return its status, output and error output, as bytes.

    Options: `path`, a list of folders to import from, by default the project; `cwd`; `input`,
    bytes; `environment`, a dictionary of more variables; `python`, another interpreter.
    """
    process = start_python(*arguments, **options)
    output, errors = process.communicate(options.get('input', b''))
    return process.returncode, output, errors


def start_python(*arguments, **options):
    """Start this interpreter and return the process, whose three streams are pipes.

    Options: `path`, `cwd`, `environment` and `python` as of `run_python`.
    """
    return subprocess.Popen(
        (options.get('python', sys.executable),) + arguments, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=options.get('cwd'),
        env=environment(*options.get('path', [PROJECT]), **options.get('environment', {})))


def build_egg(folder, python=sys.executable):
    """Build the egg in `folder`, with PYTHONDONTWRITEBYTECODE as in a container; return its path.

    Next to the egg is `modules.py`, with the base class of a platform.
    """
    tree = os.path.join(folder, 'tree')
    shutil.copytree(PROJECT, tree, ignore=shutil.ignore_patterns(
        '.*', 'build', 'dist', '*.egg-info', '__pycache__', '*.pyc'))
    # A file of an earlier build, of a module that has been removed since.
    stale = os.path.join(tree, 'build', 'lib', 'mezeo_fsstore')
    os.makedirs(stale)
    open(os.path.join(stale, 'stale.py'), 'w').close()
    status, output, errors = run_python(
        os.path.join(tree, 'setup.py'), 'bdist_egg', cwd=folder, path=[],
        environment={'PYTHONDONTWRITEBYTECODE': '1'}, python=python)
    assert status == 0, output + errors
    eggs = glob.glob(os.path.join(tree, 'dist', '*.egg'))
    assert len(eggs) == 1, eggs
    node = os.path.join(folder, 'node')
    os.mkdir(node)
    with open(os.path.join(node, 'modules.py'), 'w') as base:
        base.write(FOREIGN_BASE)
    shutil.copy(eggs[0], node)
    return os.path.join(node, os.path.basename(eggs[0]))
