"""Builds the egg and runs the tests. Runs on Python 2.6, 2.7 and 3.6 to the newest."""
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

try:
    from setuptools import Command, find_packages, setup
except ImportError:
    sys.exit('setup.py: setuptools is missing: %s -m pip install setuptools, or on Debian '
             'apt-get install python3-setuptools' % sys.executable)

PACKAGE = 'mezeo_fsstore'

# setuptools and nose look for setup.cfg and the packages in the current folder.
os.chdir(os.path.dirname(os.path.abspath(__file__)))


def read(path):
    """Return the text of a file, decoded as UTF-8 in every locale."""
    with open(path, 'rb') as source:
        return source.read().decode('utf-8')


def version():
    """Return the version, read from the file: a build must not import the package."""
    text = read(os.path.join(PACKAGE, '__init__.py'))
    return str(re.search("^__version__ = ['\"](.+?)['\"]", text, re.MULTILINE).group(1))


class CompiledEgg(Command):
    """Makes an egg of compiled code only: the modules of this tree, and nothing else.

    This replaces setuptools' own command. That one packs all that it finds in build/, also files of
    an older tree or another interpreter. With PYTHONDONTWRITEBYTECODE it leaves out all code,
    without a warning. And it needs `setup.py install`, which setuptools is about to drop.
    """
    description = 'make an egg of compiled code'
    user_options = [('dist-dir=', 'd', 'folder to put the egg into [default: dist]')]

    def initialize_options(self):
        self.dist_dir = 'dist'

    def finalize_options(self):
        python = '%d.%d' % sys.version_info[:2]
        # `setup.py install`, in a setuptools that still has it, reads this attribute.
        self.egg_output = os.path.join(
            self.dist_dir, '%s-%s-py%s.egg' % (PACKAGE, self.distribution.get_version(), python))

    def run(self):
        work = tempfile.mkdtemp()
        try:
            self.describe(os.path.join(work, 'EGG-INFO'))
            self.compile(work)
            self.pack(work)
        finally:
            shutil.rmtree(work)
        print('made ' + self.egg_output)

    def describe(self, folder):
        """Write EGG-INFO, the metadata of an egg, into `folder`."""
        os.mkdir(folder)
        self.distribution.metadata.write_pkg_info(folder)
        for name, text in (('top_level.txt', PACKAGE), ('zip-safe', '')):
            with open(os.path.join(folder, name), 'w') as target:
                target.write(text + '\n')

    def compile(self, folder):
        modules = self.get_finalized_command('build_py').find_all_modules()
        # A second copy of __main__ at the top, where `python EGG` looks for it.
        modules += [('', name, source) for _, name, source in modules if name == '__main__']
        for package, module, source in modules:
            target = os.path.join(folder, package.replace('.', os.sep), module + '.pyc')
            if not os.path.isdir(os.path.dirname(target)):
                os.makedirs(os.path.dirname(target))
            # The third argument is the path that tracebacks show.
            py_compile.compile(source, target, source, doraise=True)

    def pack(self, folder):
        self.mkpath(self.dist_dir)
        egg = zipfile.ZipFile(self.egg_output, 'w', zipfile.ZIP_DEFLATED)
        for parent, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(parent, name)
                egg.write(path, os.path.relpath(path, folder))
        egg.close()


class Nosetests(Command):
    """Runs nose, as the command `nosetests` does. That one also runs a single file, as in
    `nosetests tests/sdk/test_simple.py`.

    The command of nose 1 does not work with today's setuptools, and pynose has none.
    """
    description = 'run the tests'
    user_options = []

    def initialize_options(self):
        # nose itself reads the section [nosetests] of setup.cfg. setuptools would look for its
        # options in this class, and refuse them.
        self.distribution.get_option_dict('nosetests').clear()

    def finalize_options(self):
        pass

    def run(self):
        try:
            import nose  # noqa: F401
        except ImportError:
            raise SystemExit('nose is not installed; this installs it: '
                             '%s -m pip install -r tests/requirements.txt' % sys.executable)
        # Not `-m nose`: Python 2.6 can't run a package by -m.
        raise SystemExit(subprocess.call([sys.executable, '-c', 'import nose; nose.main()']))


setup(
    name=PACKAGE,
    version=version(),
    description='A Mezeo Vendor Storage Module that keeps objects as files under a folder',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=[PACKAGE, PACKAGE + '.*']),
    zip_safe=True,
    extras_require={'progress': ['tqdm']},
    python_requires='>=2.6, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, !=3.5.*',
    cmdclass={'bdist_egg': CompiledEgg, 'nosetests': Nosetests},
    classifiers=[
        'Development Status :: 5 - Production/Stable',
        'Intended Audience :: System Administrators',
        'Operating System :: POSIX',
        'Programming Language :: Python :: 2',
        'Programming Language :: Python :: 2.6',
        'Programming Language :: Python :: 2.7',
        'Programming Language :: Python :: 3',
        'Topic :: System :: Filesystems',
    ],
)
