"""Pages that are run: the files that a reader makes, and `$` lines with what they print."""

import os
import re
import subprocess
import sys

from tests.support import PROJECT, environment

# A file that the reader makes, or a block of commands and what they print.
BLOCK = re.compile('^<!-- file: (.*?) -->\n```[a-z]+\n(.*?)^```$|^```console\n(.*?)^```$',
                   re.M | re.S)


def read_page(name):
    with open(os.path.join(PROJECT, 'docs', name), 'rb') as source:
        return source.read().decode('utf-8')


class Walk(object):
    """A mixin of test cases. In a page `...` stands for anything."""

    def local(self, text):
        """Return `text` with what is another on this machine."""
        return re.sub(r'\bpython ', sys.executable + ' ', text)

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

    def run_steps(self, steps, folder, *path):
        """Run all commands in one shell in `folder`; return pairs of an exit status and output.

        Python finds modules on `path`.
        """
        shell = subprocess.Popen(
            ['sh'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(*path, PYTHONDONTWRITEBYTECODE='1', PYTHONWARNINGS='ignore'))
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

    def walk(self, text, least, folder, *path):
        """Run the steps of `text`, `least` or more: each succeeds and prints what it must."""
        steps = self.steps(text)
        self.assertTrue(len(steps) >= least, len(steps))
        results = self.run_steps(steps, folder, *path)
        self.assertEqual(len(steps), len(results), results[-1:])
        for (command, expected), (status, found) in zip(steps, results):
            self.assertEqual('0', status, '%s\nprints\n%s' % (command, found))
            self.assert_printed(expected, found, command)
