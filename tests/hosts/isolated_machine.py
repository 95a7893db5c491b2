"""A machine within this one: processes, mounts and a network of its own.

    machine = Machine(['/run'])
    machine.run('mount', '-t', 'tmpfs', 'tmpfs', '/run/volume')
    os.listdir(machine.place('/run/volume'))
    machine.stop()

What runs in it touches nothing outside, and ends with the process that made the machine, however
that ends. It needs the superuser, and a kernel with namespaces.
"""

import os
import subprocess
import tempfile

from tests.support import environment

# The tools of it, and the packages of Debian that hold them.
TOOLS = {'unshare': 'util-linux', 'nsenter': 'util-linux', 'mount': 'mount', 'ip': 'iproute2'}

# Prints the number that the first process of the machine has outside, and waits for the end of its
# input. The last line is there because a shell becomes its last command, and `cat` would leave
# every process of the machine that has ended a zombie.
_FIRST_PROCESS = '''
read -r pid rest </proc/self/stat
mount -t proc proc /proc
ip link set lo up
for folder; do mount -t tmpfs tmpfs "$folder"; done
echo "$pid"
cat >/dev/null
exit 0
'''

# In front of a command that must not be waited for without end.
LIMITED = ('timeout', '-k', '5', '240')


class Unavailable(Exception):
    """There can be no machine within this one, and why."""


class Machine(object):
    """The machine; each of `folders`, which must exist, is an empty one in memory there.

    Raises Unavailable where the system does not allow one.
    """

    def __init__(self, folders):
        command = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child',
                   'sh', '-ec', _FIRST_PROCESS, 'sh']
        self._first = subprocess.Popen(command + list(folders), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       close_fds=True, env=environment())
        number = self._first.stdout.readline()
        if not number:
            raise Unavailable('no namespaces can be had here: %s' % _text(self.stop()))
        self._number = int(number)

    def place(self, path):
        """Return where the absolute `path` of the machine is to be found from outside."""
        return '/proc/%d/root%s' % (self._number, path)

    def start(self, *command, **options):
        """Start a command in it and return the process. Options: those of `subprocess.Popen`."""
        within = ('nsenter', '--target', str(self._number), '--mount', '--net', '--pid')
        return subprocess.Popen(within + command, close_fds=True, **options)

    def run(self, *command, **options):
        """Run a command in it and return its output, as text; a RuntimeError if it fails.

        What does not end within four minutes has failed. Option: `env`, its environment, that of
        `tests.support.environment` else.
        """
        options.setdefault('env', environment())
        # No pipe: it would be waited for until all that the command has left behind has ended.
        with tempfile.TemporaryFile() as said:
            process = self.start(*(LIMITED + command), stdin=subprocess.PIPE, stdout=said,
                                 stderr=subprocess.STDOUT, **options)
            process.communicate()
            said.seek(0)
            output = _text(said.read())
        if process.returncode:
            raise RuntimeError('%s: %d, %s' % (' '.join(command), process.returncode, output))
        return output

    def runs(self, number):
        """Return whether the process with that number in the machine is there."""
        return os.path.exists(self.place('/proc/%d' % number))

    def stop(self):
        """End all that runs in it; return what its first process had to complain of."""
        return self._first.communicate()[1]


def _text(output):
    return output.decode('utf-8', 'replace').strip()
