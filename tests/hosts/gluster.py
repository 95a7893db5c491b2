"""GlusterFS on a machine of its own: three bricks to a volume, and nodes that mount it.

    cluster = Cluster()
    volume = Volume(cluster, 'objects', REPLICATED, VOLUME_OPTIONS)
    FilesystemStorage(root=volume.mount('node'))
    cluster.stop()

All is made by the commands that an administrator gives.
"""

import os
import re

from tests.hosts.isolated_machine import TOOLS, Machine, Unavailable
from tests.support import find_program, wait_until

# What a node needs to see at once what another one has done: docs/deploy.md.
VOLUME_OPTIONS = {'performance.stat-prefetch': 'off', 'performance.open-behind': 'off'}
MOUNT_OPTIONS = 'entry-timeout=0'

REPLICATED = ('replica', '3')
DISTRIBUTED = ()

BRICKS = (1, 2, 3)

# Seconds until what GlusterFS is to do is taken for something that it will never do.
_DEADLINE = 60

# Where GlusterFS keeps what it knows, and whom it talks to.
_FOLDERS = ['/run', '/var/lib/glusterd', '/var/log/glusterfs']

# 127.0.0.1 is refused: bricks of that host would be out of reach of any other.
_HOST = '127.0.0.2'


def missing():
    """Return why there can be no `Cluster` on this machine, as text; '' where there can."""
    if os.geteuid() != 0:
        return 'only the superuser can make namespaces and mounts'
    tools = dict(TOOLS, glusterd='glusterfs-server', glusterfs='glusterfs-client')
    absent = [tool for tool in sorted(tools) if not find_program(tool, beyond=())]
    if absent:
        return 'not installed: ' + ', '.join('%s (%s)' % (tool, tools[tool]) for tool in absent)
    try:
        os.close(os.open('/dev/fuse', os.O_RDWR))
        Machine(_FOLDERS).stop()
    except (OSError, Unavailable) as error:
        return str(error)
    return ''


def _wait_until(condition, what):
    wait_until(condition, what, _DEADLINE)


class Cluster(object):
    """The one server of all bricks, where nothing is `missing`."""

    def __init__(self):
        self.machine = Machine(_FOLDERS)
        try:
            os.mkdir(self.machine.place('/run/gluster'))
            self.machine.run('glusterd')
            _wait_until(lambda: self.answer('pool', 'list'), 'glusterd answers')
        except:
            self.stop()
            raise

    def command(self, *words):
        """Give a command of the administrator's; return its output."""
        return self.machine.run('gluster', '--mode=script', *words)

    def answer(self, *words):
        """As `command`, but return None where it fails, as it may until all has been found."""
        try:
            return self.command(*words)
        except RuntimeError:
            return None

    def stop(self):
        self.machine.stop()


class Volume(object):
    """A new volume of `cluster`, REPLICATED or DISTRIBUTED, started."""

    def __init__(self, cluster, name, kind, options):
        self._machine, self._command, self.name = cluster.machine, cluster.command, name
        self._answer = cluster.answer
        self._nodes = set()
        bricks = ['%s:%s' % (_HOST, self._brick(number)) for number in BRICKS]
        self._command('volume', 'create', name, *(kind + tuple(bricks) + ('force',)))
        for option in sorted(options):
            self.set(option, options[option])
        self._command('volume', 'start', name)

    def set(self, option, value):
        self._command('volume', 'set', self.name, option, value)

    def mount(self, node):
        """Mount the volume, as on another node; return the folder, as seen from outside."""
        folder = self._machine.place(self.folder(node))
        if not os.path.isdir(folder):
            os.mkdir(folder)
        self._machine.run('mount', '-t', 'glusterfs', '-o', MOUNT_OPTIONS,
                          '%s:/%s' % (_HOST, self.name), self.folder(node))
        self._nodes.add(node)
        return folder

    def unmount(self, node):
        self._nodes.discard(node)
        self._machine.run('umount', self.folder(node))

    def kill_node(self, node):
        """Let the process behind the mount of a node die: the folder answers nothing any more."""
        for number in os.listdir(self._machine.place('/proc')):
            if number.isdigit() and self._serves(number, node):
                self._end(int(number))

    def _serves(self, number, node):
        try:
            with open(self._machine.place('/proc/%s/cmdline' % number)) as source:
                words = source.read().split('\0')
        except EnvironmentError:  # it has just ended
            return False
        return words[0].endswith('/glusterfs') and self.folder(node) in words

    def folder(self, node):
        """Return where the node has mounted the volume, as seen in the machine."""
        return '/run/%s-on-%s' % (self.name, node)

    def brick(self, number):
        """Return the folder of a brick, as seen from outside."""
        return self._machine.place(self._brick(number))

    def _brick(self, number):
        return '/run/%s-%d' % (self.name, number)

    def kill(self, number):
        """Let the process of a brick die at once, as of a loss of power."""
        noted = '/run/gluster/vols/%s/%s%s.pid' % (
            self.name, _HOST, self._brick(number).replace('/', '-'))
        with open(self._machine.place(noted)) as source:
            self._end(int(source.read()))

    def _end(self, process):
        self._machine.run('kill', '-KILL', str(process))
        _wait_until(lambda: not self._machine.runs(process), 'process %d has died' % process)

    def start(self):
        """Start the bricks that have died, and return when each node has found them."""
        self._command('volume', 'start', self.name, 'force')
        _wait_until(lambda: all(self._reaches(node, number) for node in self._nodes
                                for number in range(len(BRICKS))), 'the nodes reach the bricks')

    def _reaches(self, node, number):
        told = '/.meta/graphs/active/%s-client-%d/private' % (self.name, number)
        try:
            with open(self._machine.place(self.folder(node) + told)) as source:
                return 'connected = 1' in source.read()
        except EnvironmentError:  # too few bricks have been found to tell anything
            return False

    def revive(self):
        """Start the bricks that have died, and return when all is healed."""
        self.start()
        self.set('cluster.self-heal-daemon', 'on')
        self.heal()

    def heal(self):
        """Give each brick what it has missed, and return when it has it."""
        heal = ('volume', 'heal', self.name)
        _wait_until(lambda: self._answer(*heal), 'a heal starts')
        _wait_until(lambda: _is_healed(self._answer(*(heal + ('info',)))), 'all is healed')


def _is_healed(told):
    return re.findall(r'Number of entries: (\S+)', told or '') == ['0'] * len(BRICKS)
