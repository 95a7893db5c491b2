"""A node of the platform, as an administrator sets it up: the egg, its roots, its registrations."""

import json
import os
import shutil

from tests.support import PROJECT, build_egg, run_python

# The platform's own base class. It counts how many modules were made on top of it.
BASE = '''class StorageModule(object):
    """The platform's own."""
    instances = 0

    def __init__(self):
        StorageModule.instances += 1
'''

# What the platform has on its nodes beside its base class.
APPLICATION = ('hosts/application.py', 'kit/miniature.py')


class Node(object):
    """What lies in `folder`: `egg`, the folder `platform`, and a root for each of `places`.

    `python` is the interpreter that will serve; `owner` the user and group of the roots.
    """

    def __init__(self, folder, python, owner, places=('A', 'B')):
        self.folder, self._python = folder, python
        os.chmod(folder, 0o755)
        self.egg = build_egg(folder, python)
        self.platform = os.path.join(folder, 'platform')
        self.roots = dict((place, os.path.join(folder, 'root %s' % place)) for place in places)
        for place in places:
            os.mkdir(self.roots[place])
            os.chmod(self.roots[place], 0o700)
            os.chown(self.roots[place], *owner)
        self._install()
        _let_all_read(folder)

    def command(self, *arguments):
        """Run the administrator's command from the egg; return what it prints."""
        status, output, errors = run_python(
            '-m', 'mezeo_fsstore', *arguments, path=[self.egg, self.platform], cwd=self.folder,
            python=self._python)
        assert (status, errors) == (0, b''), errors
        return output.decode('utf-8')

    def objects(self, place):
        """Return the paths of all objects at a place."""
        return set(path for path in self._files(place) if '/.' not in path)

    def temporaries(self, place):
        """Return the paths of all that writers are at, or have left, at a place."""
        return set(path for path in self._files(place) if '/.' in path)

    def path(self, place, relative):
        return os.path.join(self.roots[place], relative)

    def _files(self, place):
        root = self.roots[place]
        return [os.path.relpath(os.path.join(folder, name), root)
                for folder, _, names in os.walk(root) if folder != root for name in names]

    def _install(self):
        os.makedirs(os.path.join(self.platform, 'modules'))
        with open(os.path.join(self.platform, 'modules', '__init__.py'), 'w') as base:
            base.write(BASE)
        for name in APPLICATION:
            shutil.copy(os.path.join(PROJECT, 'tests', name), self.platform)
        with open(os.path.join(self.platform, 'registrations.json'), 'w') as target:
            json.dump([self._register(place) for place in sorted(self.roots)], target)

    def _register(self, place):
        """Return what `init` prints, under the label of the place."""
        registration = json.loads(self.command('init', self.roots[place]))
        return json.dumps(dict(registration, label=place))


def _let_all_read(folder):
    """The server's user is seldom the one who installs, whatever his umask."""
    for part in ('node', 'platform'):
        for parent, folders, names in os.walk(os.path.join(folder, part)):
            os.chmod(parent, 0o755)
            for name in names:
                os.chmod(os.path.join(parent, name), 0o644)
