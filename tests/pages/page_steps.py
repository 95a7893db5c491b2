"""Pages that are run: the files that a reader makes, and `$` lines with what they print.

A page is run as it stands, `python3` included. Where a page means a root shell, the shell sees the
folders that the page names; those of this machine stay as they are.
"""

import os
import pwd
import re
import shutil
import subprocess
import sys

from mezeo_fsstore import __version__
from tests.support import FOREIGN_BASE, PROJECT, environment

# A file that the reader makes, or a block of commands and what they print.
BLOCK = re.compile('^<!-- file: (.*?) -->\n```[a-z]+\n(.*?)^```$|^```console\n(.*?)^```$',
                   re.M | re.S)

# The folders that a root shell of a page has to itself, below `/` there and below one of a test.
PLACES = ('srv', 'opt', 'mnt')

# The user of the server processes, on the pages.
SERVER = 'www-data'

# Enters a folder and runs a command, where `PLACES` are those of the folder that is named first.
# No other process sees that, and it ends with the command.
_WITH_PLACES = '''
top=$1 start=$2
shift 2
for place in %s; do mount --bind "$top/$place" "/$place"; done
cd "$start"
exec "$@"
''' % ' '.join(PLACES)


def read_page(name):
    with open(os.path.join(PROJECT, 'docs', name), 'rb') as source:
        return source.read().decode('utf-8')


def succeeds(*command):
    """Return whether a command, of which nothing is to be seen, can be run and succeeds."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=environment())
    except EnvironmentError:
        return False
    process.communicate()
    return process.returncode == 0


class Walk(object):
    """A mixin of test cases with a `folder`. In a page `...` stands for anything."""

    #: Of the shell's environment, beside what every child has. A reader takes longer than a second
    #: between two states of a file, by which alone Python 2 knows that its bytecode is of the past.
    variables = {'PYTHONDONTWRITEBYTECODE': '1'}

    def local(self, text):
        """Return `text` with what is another on this machine."""
        return text

    def normal(self, text):
        """Return `text` without what differs from one run and Python to another."""
        return text

    def steps(self, text):
        """Return pairs of a command, for the shell, and what it must print."""
        found = []
        for name, content, console in BLOCK.findall(text):
            if name:
                found.append(("cat > %s <<'END'\n%sEND" % (name, self.local(content)), ''))
            for step in re.split('^[$] ', console, flags=re.M)[1:]:
                command, expected = step.split('\n', 1)
                found.append((self.local(command), self.local(expected)))
        return found

    def programs(self):
        """Return a folder for PATH: `python3` is the one that runs this test.

        There is no `python`, as on Debian, though this machine may have one.
        """
        folder = os.path.join(self.folder, 'opt', 'bin')
        if not os.path.isdir(folder):
            os.makedirs(folder)
            for name, action in (('python3', 'exec "%s" "$@"' % sys.executable),
                                 ('python', 'echo "python: not found" >&2; exit 127')):
                path = os.path.join(folder, name)
                with open(path, 'w') as program:
                    program.write('#!/bin/sh\n%s\n' % action)
                os.chmod(path, 0o755)
        return folder

    def within(self, folder, *command):
        """Return the command that runs `command` in `folder`, where the reader would."""
        return ('sh', '-ec', 'cd "$1"; shift; exec "$@"', 'sh', folder) + command

    def run_steps(self, steps, folder):
        """Run all commands in one shell in `folder`; return pairs of an exit status and output."""
        path = os.pathsep.join([self.programs(), environment().get('PATH', os.defpath),
                                '/usr/sbin', '/sbin'])
        shell = subprocess.Popen(
            self.within(folder, 'sh'), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment(PATH=path, **self.variables))
        script = ''.join('%s\necho "=== $?"\n' % command for command, _ in steps)
        output = shell.communicate(script.encode('utf-8'))[0].decode('utf-8')
        parts = re.split('=== ([0-9]+)\n', output)
        return list(zip(parts[1::2], parts[::2]))

    def assert_printed(self, expected, found, command):
        """Each part of `expected` between dots is there, in that order."""
        rest = self.normal(found)
        for part in re.split(r'\.\.\.\n?', self.normal(expected)):
            self.assertTrue(part in rest, '%s\nprints\n%s\nand not\n%s' % (command, found, part))
            rest = rest[rest.index(part) + len(part):]
        if '...' not in expected:
            self.assertEqual(self.normal(expected), self.normal(found), command)

    def walk(self, text, least, folder, before=()):
        """Run the steps of `text`, `least` or more: each succeeds and prints what it must.

        `before` are steps that the shell has done already.
        """
        steps = list(before) + self.steps(text)
        self.assertTrue(len(steps) - len(before) >= least, len(steps))
        results = self.run_steps(steps, folder)
        self.assertEqual(len(steps), len(results), results[-1:])
        for (command, expected), (status, found) in zip(steps, results):
            self.assertEqual('0', status, '%s\nprints\n%s' % (command, found))
            self.assert_printed(expected, found, command)


class RootShell(Walk):
    """A walk in a root shell of a node, whose /srv, /opt and /mnt lie in the folder of the test.

    Where such a shell can't be had, the commands get the paths in that folder instead. `server` is
    the user of the server processes, with the fields of `pwd`: this one where that can't be another
    that can run this Python.
    """

    def make_places(self):
        """Make a node below `folder`, with the platform's `modules`."""
        for place in PLACES:
            os.mkdir(os.path.join(self.folder, place))
        platform = os.path.join(self.folder, 'opt', 'mezeo', 'platform')
        os.makedirs(platform)
        with open(os.path.join(platform, 'modules.py'), 'w') as base:
            base.write(FOREIGN_BASE)
        self.is_real = self._can_be_real()
        self.server = pwd.getpwuid(os.getuid())
        # By way of a shell: what setpriv itself starts is still found with the rights of root.
        if self.is_real and succeeds(*self.as_user(
                SERVER, 'sh', '-c', 'exec "$0" -c ""', sys.executable)):
            self.server = pwd.getpwnam(SERVER)

    def as_user(self, name, *command):
        """Return the command that runs `command` as that user, if this one may."""
        if os.geteuid() != 0:
            return command
        return ('setpriv', '--reuid', name, '--regid', name, '--init-groups') + command

    def _can_be_real(self):
        if os.geteuid() != 0:
            return False
        for needed in (PROJECT, self.folder, sys.prefix, getattr(sys, 'base_prefix', sys.prefix)):
            if os.path.realpath(needed).split('/')[1] in PLACES:
                return False
        return succeeds(*self._with_places('/', 'true'))

    def _with_places(self, folder, *command):
        return ('unshare', '--mount', 'sh', '-ec', _WITH_PLACES, 'sh', self.folder,
                folder) + command

    def within(self, folder, *command):
        if self.is_real:
            return self._with_places(folder, *command)
        return super(RootShell, self).within(folder, *command)

    def local(self, text):
        for shown, here in (('-py3.11.egg', '-py%d.%d.egg' % sys.version_info[:2]),
                            ('-2.0.0-', '-%s-' % __version__),
                            ('mezeo_fsstore 2.0.0\n', 'mezeo_fsstore %s\n' % __version__)):
            text = text.replace(shown, here)
        if self.server.pw_name != SERVER:
            text = text.replace('runuser -u %s -- ' % SERVER, '')
            text = text.replace('-o %s -g %s' % (SERVER, SERVER), '-o %d -g %d' % self.server[2:4])
        if not self.is_real:
            for place in PLACES:
                text = text.replace('/%s/' % place, os.path.join(self.folder, place, ''))
        return text

    def clone(self):
        """Return a copy of the project, as far as a clone would have it."""
        clone = os.path.join(self.folder, 'clone')
        shutil.copytree(PROJECT, clone, ignore=shutil.ignore_patterns(
            '.*', 'build', 'dist', '*.egg-info', '__pycache__', '*.pyc'))
        return clone

    def give_to_server(self, root):
        """Have the root, and all that this test has put there, belong to the server's user."""
        for folder, _, names in os.walk(root):
            for path in [folder] + [os.path.join(folder, name) for name in names]:
                os.chown(path, self.server.pw_uid, self.server.pw_gid)
