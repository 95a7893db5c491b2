"""CephFS on a machine of its own: one monitor, one manager, three OSDs, two MDS, and nodes.

    cluster = Cluster()
    FilesystemStorage(root=cluster.mount('first'))
    cluster.stop()

`python -m tests.hosts.ceph COMMAND...` runs a command there, with TMPDIR on a mount of CephFS.

All is made by the commands that an administrator gives. What the daemons keep lies in a temporary
folder: three times what is stored, 6 GiB at most.
"""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid

from tests.hosts.isolated_machine import LIMITED, TOOLS, Machine, Unavailable
from tests.support import environment, find_program, wait_until

NAME = 'objects'

# What else a node needs to read from a full cluster, and not to wait for ever: docs/deploy.md.
OPTIONS = (('client', 'client_check_pool_perm', 'false'), ('client', 'err_to_stderr', 'false'))

OSDS, MDSS = ('0', '1', '2'), ('a', 'b')

# Each object three times, and no acknowledgement before two of them are stored. All is small, and
# quick to notice who has died. `mds_beacon_grace` less `mds_beacon_interval` must be more than
# `mon_tick_interval`, or a dead MDS is never replaced. The first look of another node at a new
# object may wait until the next tick of the MDS.
_CONFIGURATION = '''
[global]
fsid = %s
mon_initial_members = a
mon_host = v2:127.0.0.1:3300
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
pid_file = /run/ceph/$name.pid
osd_pool_default_size = 3
osd_pool_default_min_size = 2
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
paxos_propose_interval = 0.1
osd_heartbeat_interval = 1
osd_heartbeat_grace = 4
osd_mon_report_interval = 1
objecter_tick_interval = 1
objecter_timeout = 2
mon_tick_interval = 1
mds_tick_interval = 0.2
mds_beacon_interval = 1
mds_beacon_grace = 4
mds_beacon_mon_down_grace = 0

[mon]
mon_data_avail_crit = 1
mon_osd_min_down_reporters = 1
mon_osd_adjust_heartbeat_grace = false

[mgr]
mgr_initial_modules =
mgr_stats_period = 1

[osd]
bluestore_block_size = 2147483648
bluestore_cache_autotune = false
bluestore_cache_size = 16777216

[mds]
mds_cache_memory_limit = 33554432
'''

# What a daemon says of itself that has started.
_SERVES = ('active', 'up:active', 'up:standby')

# Seconds until what Ceph is to do is taken for something that it will never do.
_DEADLINE = 120

# Where Ceph looks for its configuration, and whom it talks to.
_FOLDERS = ['/run', '/etc/ceph', '/var/log/ceph']

_TOOLS = {'ceph': 'ceph-common', 'ceph-mon': 'ceph-mon', 'ceph-mgr': 'ceph-mgr',
          'ceph-osd': 'ceph-osd', 'ceph-mds': 'ceph-mds', 'ceph-fuse': 'ceph-fuse',
          'setfattr': 'attr'}


def missing():
    """Return why there can be no `Cluster` on this machine, as text; '' where there can."""
    if os.geteuid() != 0:
        return 'only the superuser can make namespaces and mounts'
    tools = dict(TOOLS, **_TOOLS)
    absent = [tool for tool in sorted(tools) if not find_program(tool, beyond=())]
    if absent:
        return 'not installed: ' + ', '.join('%s (%s)' % (tool, tools[tool]) for tool in absent)
    try:
        os.close(os.open('/dev/fuse', os.O_RDWR))
        _require_direct_writes()
        Machine(_FOLDERS).stop()
    except (EnvironmentError, Unavailable) as error:
        return str(error)
    return ''


def _require_direct_writes():
    # An OSD opens its volume so. Before Linux 6.6 a tmpfs refuses it.
    with tempfile.NamedTemporaryFile() as volume:
        try:
            os.close(os.open(volume.name, os.O_RDWR | os.O_DIRECT))
        except EnvironmentError as error:
            if error.errno == errno.EINVAL:
                raise Unavailable('no O_DIRECT in %s: set TMPDIR' % tempfile.gettempdir())
            raise


def _wait_until(condition, what):
    return wait_until(condition, what, _DEADLINE)


class Cluster(object):
    """The daemons, of one filesystem, where nothing is `missing`. All of them are up.

    A daemon, or the process behind the mount of a node, has a name: `osd.0`, `client.first`.
    """

    def __init__(self):
        self._dead = set()
        self._folder = tempfile.mkdtemp(prefix='mezeo_fsstore-test-')
        try:
            self.machine = Machine(_FOLDERS)
        except:
            shutil.rmtree(self._folder)
            raise
        try:
            self._make()
        except:
            self.stop()
            raise

    def _make(self):
        for kind, numbers in (('mon', 'a'), ('mgr', 'a'), ('osd', OSDS), ('mds', MDSS)):
            for number in numbers:
                os.makedirs(os.path.join(self._folder, kind, 'ceph-%s' % number))
        self.machine.run('mount', '--bind', self._folder, '/var/lib/ceph')
        os.mkdir(self.machine.place('/run/ceph'))
        with open(self.machine.place('/etc/ceph/ceph.conf'), 'w') as configuration:
            configuration.write(_CONFIGURATION % uuid.uuid4())
        self.machine.run('ceph-mon', '--mkfs', '--id', 'a')
        for name in ('mon.a', 'mgr.a'):
            self._start(name)
        for option in OPTIONS:
            self.command('config', 'set', *option)
        volumes = dict((number, str(uuid.uuid4())) for number in OSDS)
        for number in OSDS:
            self.command('osd', 'new', volumes[number], number)
        # One after the other they take three times as long.
        self.machine.run('sh', '-ec', 'for volume; do ceph-osd --mkfs --id "${volume%=*}" '
                         '--osd-uuid "${volume#*=}" & done; wait', 'sh', *[
                             '%s=%s' % volume for volume in sorted(volumes.items())])
        for number in OSDS:
            self._start('osd.' + number)
        for pool in ('metadata', 'data'):
            self.command('osd', 'pool', 'create', pool, '8')
        self.command('fs', 'new', NAME, 'metadata', 'data')
        for number in MDSS:
            self._start('mds.' + number)
        self.settle()

    def stop(self):
        self.machine.stop()
        shutil.rmtree(self._folder)

    def command(self, *words):
        """Give a command of the administrator's; return its output."""
        return self.machine.run('ceph', *words)

    def ask(self, *words):
        """Return what a command of the administrator's tells, as what the JSON stands for."""
        process = self.machine.start(
            *(LIMITED + ('ceph',) + words + ('--format', 'json')),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, complaints = process.communicate()
        if process.returncode:
            raise RuntimeError('%s: %s' % (' '.join(words), complaints))
        return json.loads(output.decode('utf-8'))

    def _start(self, name):
        kind, number = name.split('.')
        self.machine.run('ceph-' + kind, '--id', number)

    def settle(self):
        """Return when all daemons are up, and each placement group is on all OSDs."""
        try:
            _wait_until(self._is_settled, 'the cluster is well')
        except AssertionError as error:
            raise AssertionError('%s\n%s' % (error, self.command('health', 'detail')))

    def _is_settled(self):
        filesystem, osds = self.ask('status')['fsmap'], self.ask('osd', 'dump')['osds']
        # What is told of a group may be older than the last start of an OSD.
        since = max(osd['up_from'] for osd in osds)
        return ([rank['status'] for rank in filesystem['by_rank']] == ['up:active'] and
                filesystem['up:standby'] == len(MDSS) - 1 and all(osd['up'] for osd in osds) and
                all(group['state'] == 'active+clean' and int(group['reported_epoch']) >= since
                    for group in self.groups()))

    def groups(self, pool=''):
        """Return what is told of the placement groups of a pool, or of all."""
        words = ('pg', 'ls-by-pool', pool) if pool else ('pg', 'ls')
        return self.ask(*words)['pg_stats']

    def active_mds(self):
        """Return the name of the MDS that serves."""
        return 'mds.' + _wait_until(lambda: [
            rank['name'] for rank in self.ask('status')['fsmap']['by_rank']], 'an MDS serves')[0]

    def kill(self, *names):
        """Let these die in one instant, as of a loss of power."""
        numbers = [self._number(name) for name in names]
        self.machine.run('kill', '-KILL', *numbers)
        self._dead.update(name for name in names if not name.startswith('client.'))
        for number in numbers:
            self._wait_for_the_end(number)

    def _wait_for_the_end(self, number):
        _wait_until(lambda: not self.machine.runs(int(number)), 'process %s ends' % number)

    def _number(self, name):
        with open(self.machine.place('/run/ceph/%s.pid' % name)) as source:
            return source.read().strip()

    def revive(self):
        """Start the daemons that have died, and return when all is well."""
        started, self._dead = self._dead, set()
        for name in started:
            self._start(name)
        for name in started:
            _wait_until(lambda: self.ask('daemon', name, 'status')['state'] in _SERVES,
                        '%s is up' % name)
        self.settle()

    def mount(self, node, *options):
        """Mount the filesystem, as on another node; return the folder, as seen from outside."""
        folder = self.machine.place(self.folder(node))
        if not os.path.isdir(folder):
            os.mkdir(folder)
        self.machine.run('mount', '-t', 'fuse.ceph', '-o', ','.join(('ceph.id=' + node,) + options),
                         'none', self.folder(node))
        return folder

    def unmount(self, node):
        """Unmount a node; one that has died is evicted too, or the others might wait a minute."""
        number = self._number('client.' + node)
        if not self.machine.runs(int(number)):
            self.evict(node)
        self.machine.run('umount', self.folder(node))
        self._wait_for_the_end(number)

    def kill_node(self, node):
        """Let the process behind the mount of a node die: the folder answers nothing any more."""
        self.kill('client.' + node)

    def folder(self, node):
        """Return where the node has mounted the filesystem, as seen in the machine."""
        return '/run/' + node

    def evict(self, node):
        """Shut a node out, as an administrator does with one that is dead or cut off."""
        mds = self.active_mds()
        for session in self.ask('tell', mds, 'client', 'ls'):
            if session['client_metadata'].get('entity_id') == node:
                self.command('tell', mds, 'client', 'evict', 'id=%d' % session['id'])


def main(command):
    """Run a command on a mount of CephFS, from this folder; return its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without the end below
    cluster = Cluster()
    try:
        os.chmod(cluster.mount('first'), 0o1777)
        return cluster.machine.start(
            'sh', '-c', 'cd "$0" && exec "$@"', os.getcwd(), *command,
            env=environment(os.getcwd(), TMPDIR=cluster.folder('first'))).wait()
    finally:
        cluster.stop()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
