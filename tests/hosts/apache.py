"""A private Apache with mod_wsgi on loopback, beside whatever Apache the machine itself runs."""

import grp
import os
import pwd
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile

from tests.hosts import processes
from tests.hosts.http_client import HOST
from tests.support import PROJECT, environment, find_program, run_python, wait_until

MODULES = '/usr/lib/apache2/modules'
USER = 'www-data'
PROCESSES, THREADS = 3, 6

# First what a node needs, then what is only for a server of one's own. Without the second of these
# lines Python reads what is downloaded, without the fourth no object is larger than 1 GiB, and
# without a home that exists no daemon starts. Told to restart by SIGUSR1, a daemon process
# finishes its requests for as long as graceful-timeout says; Apache's own restart waits 3 seconds.
CONFIGURATION = '''
EnableSendfile On
WSGIEnableSendfile On
WSGIChunkedRequest On
LimitRequestBody 0
WSGIRestrictEmbedded On

WSGIDaemonProcess mezeo processes=%(processes)d threads=%(threads)d display-name=%%{GROUP} \\
    graceful-timeout=3600 home="%(platform)s" \\
    python-path="%(egg)s:%(platform)s"
WSGIScriptAlias /main "%(platform)s/application.py" \\
    process-group=mezeo application-group=%%{GLOBAL}
WSGIScriptAlias /sub "%(platform)s/application.py" \\
    process-group=mezeo application-group=sub
<Directory "%(platform)s">
    Require all granted
</Directory>

ServerName %(host)s
Listen %(host)s:%(port)d
ServerRoot "%(folder)s"
DefaultRuntimeDir "%(folder)s"
PidFile "%(folder)s/pid"
ErrorLog "%(folder)s/log"
WSGISocketPrefix "%(folder)s/wsgi"
StartServers 1
ThreadsPerChild 25
MinSpareThreads 25
MaxRequestWorkers 100
ServerLimit 8
'''


def missing():
    """Return why no server can be started here, None if one can."""
    if sys.version_info < (3, 6):
        return 'the clients need Python 3.6'
    if find_program('apache2') is None:
        return 'there is no apache2'
    if not os.path.exists(os.path.join(MODULES, 'mod_wsgi.so')):
        return 'there is no mod_wsgi'
    if os.geteuid() == 0 and USER not in [user.pw_name for user in pwd.getpwall()]:
        return 'there is no user %s' % USER
    if python() is None:
        return 'no Python %s with setuptools, to build the egg with' % embedded()
    return None


def embedded():
    """Return the version of Python in mod_wsgi, such as '3.11'."""
    with open(os.path.join(MODULES, 'mod_wsgi.so'), 'rb') as library:
        found = re.search(br'libpython([0-9]+\.[0-9]+)', library.read())
    return found.group(1).decode('ascii') if found else 'of its own'


def python():
    """Return an interpreter that compiles for the one in mod_wsgi, None where there is none.

    All releases of a version understand each other's compiled code.
    """
    version = embedded()
    test = 'import setuptools, sys; sys.stdout.write("%d.%d" % sys.version_info[:2])'
    for candidate in (sys.executable, '/usr/bin/python' + version, 'python' + version):
        try:
            if run_python('-c', test, path=[], python=candidate)[1].decode('ascii') == version:
                return candidate
        except EnvironmentError:
            pass  # not on this machine
    return None


def owner():
    """Return the user and the group of the processes that serve."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    return pwd.getpwnam(USER).pw_uid, grp.getgrnam(USER).gr_gid


class Apache(object):
    """A server for a `Node`, in its folder, which is removed with the server.

    It has the modules named in `modules` too, and the lines `configuration` after its own. `port`
    is where it listens.
    """

    def __init__(self, node, modules=(), configuration=''):
        self.folder = tempfile.mkdtemp(dir=node.folder)
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        path = os.path.join(self.folder, 'httpd.conf')
        with open(path, 'w') as target:
            target.writelines('LoadModule %s_module %s/mod_%s.so\n' % (name, MODULES, name)
                              for name in ('mpm_event', 'authz_core', 'wsgi') + tuple(modules))
            if os.geteuid() == 0:
                target.write('User %s\nGroup %s\n' % (USER, USER))
            target.write(CONFIGURATION % {
                'processes': PROCESSES, 'threads': THREADS, 'egg': node.egg,
                'platform': node.platform, 'host': HOST, 'port': self.port,
                'folder': self.folder} + configuration)
        with tempfile.TemporaryFile() as said:
            self._start([sys.executable, os.path.join(PROJECT, 'tests', 'hosts', 'child_guard.py'),
                         node.folder, find_program('apache2'),
                         '-D', 'FOREGROUND', '-f', path], said)

    def _start(self, command, said):
        # In a session of its own: what interrupts a test at its terminal is not for the server.
        self._keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=said, preexec_fn=os.setsid,
                                        env=environment())
        try:
            self._process = int(self._keeper.stdout.readline())
            wait_until(lambda: self._listens() or not processes.is_running(self._process))
            if not processes.is_running(self._process):
                said.seek(0)
                raise RuntimeError('Apache did not start: %s%s'
                                   % (said.read().decode('utf-8'), self.log()))
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """End the server and wait for it; its node is removed."""
        self._keeper.stdin.close()
        self._keeper.stdout.close()
        self._keeper.wait()

    def daemons(self):
        """Return the ids of the processes that run the application, in order."""
        return self._children(True)

    def fronts(self):
        """Return the ids of those that talk to the clients."""
        return self._children(False)

    def wait_for_daemons(self):
        """Return the daemons once there are as many as there should be."""
        return wait_until(lambda: len(self.daemons()) == PROCESSES and self.daemons())

    def restart(self):
        """Begin a graceful restart, as `apachectl graceful` does."""
        os.kill(self._process, signal.SIGUSR1)

    def log(self):
        """Return the end of what the server has logged."""
        path = os.path.join(self.folder, 'log')
        if not os.path.exists(path):
            return ''
        with open(path, 'rb') as source:
            return source.read().decode('utf-8', 'replace')[-5000:]

    def _children(self, daemons):
        found = processes.children(self._process)
        return sorted(process for process in found
                      if (found[process] == '(wsgi:mezeo)') == daemons)

    def _listens(self):
        # It is written once the port is ours.
        return os.path.exists(os.path.join(self.folder, 'pid'))


def free_port():
    """Return a port that nobody has, of those that the system gives to nobody by itself."""
    while True:
        port = random.SystemRandom().randrange(10000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
                return port
            except EnvironmentError:
                pass  # taken
