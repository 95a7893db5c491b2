"""Uploads and downloads a second through a real Apache with mod_wsgi, as its clients see them.

It runs the application of the tests (tests/hosts/application.py). Each request has a connection of
its own. What a request costs beside the store is what it takes with a module that keeps nothing.
All answers must be of the class 2xx and of the right length, all that was uploaded must be there;
the bytes are compared once before it is measured.

The client for small objects is `ab`, as threads of Python would be slower than the server. Of large
ones ab uploads more than it is told to, and reads them by 8 KiB: these are sent and received by
threads of this process, which leave the most of it to the kernel.
"""

import collections
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from bench import content
from bench.floor import Floor
from bench.rounds import settle
from tests.hosts import apache
from tests.hosts.apache_node import Node
from tests.hosts.http_client import HOST, Client
from tests.support import closed_to_others, find_program

KIB = 1024
MIB = 1024 * KIB

OURS, BARE, NOTHING, FILES, DAV = (
    'mezeo_fsstore', 'bare calls', 'nothing', 'Apache itself', 'mod_dav_fs')
CONTENDERS = {'upload': (OURS, BARE, NOTHING, DAV), 'download': (OURS, BARE, NOTHING, FILES)}
CLIENTS = (1, 16)

#: What an administrator may set: label -> the prefix of the path of such an application.
MAIN = 'main'
SERVERS = {'1 process, 1 thread': 'one', '3 processes, 6 threads': MAIN,
           '2 processes, 16 threads': 'many', '3 processes, 6 threads, no sendfile': 'plain'}

#: `count` requests of objects of `size` bytes are made by `clients` at a time.
Batch = collections.namedtuple('Batch', 'direction size clients contender prefix')

_MODULES = ('alias', 'dav', 'dav_fs', 'rewrite', 'unique_id')

# Each upload to /new becomes a file of its own, as each of ours does.
_CONFIGURATION = '''
WSGIDaemonProcess one processes=1 threads=1 home="%(platform)s" python-path="%(path)s"
WSGIDaemonProcess many processes=2 threads=16 home="%(platform)s" python-path="%(path)s"
WSGIScriptAlias /one "%(platform)s/application.py" \\
    process-group=one application-group=%%{GLOBAL}
WSGIScriptAlias /many "%(platform)s/application.py" \\
    process-group=many application-group=%%{GLOBAL}
WSGIScriptAlias /plain "%(platform)s/application.py" \\
    process-group=mezeo application-group=%%{GLOBAL}
<Location /plain>
    WSGIEnableSendfile Off
</Location>
Alias /files "%(files)s"
Alias /dav "%(dav)s"
<Directory "%(files)s">
    Require all granted
</Directory>
<Directory "%(dav)s">
    Require all granted
    Dav On
</Directory>
DavLockDB "%(dav)s.locks/db"
RewriteEngine On
RewriteRule ^/new$ /dav/%%{ENV:UNIQUE_ID} [PT]
'''


def missing(folder):
    """Return why it can not be measured in `folder`, None if it can."""
    if apache.missing():
        return apache.missing()
    if find_program('ab') is None:
        return 'there is no ab (Debian: apache2-utils)'
    if os.geteuid() == 0 and closed_to_others(os.path.join(folder, 'part')):
        return 'the user of the server can not reach %s' % closed_to_others(
            os.path.join(folder, 'part'))
    return None


def run(folder, rounds, order, quick=False):
    """Return Batch -> list of requests a second, and what the server calls itself."""
    sizes = (4 * KIB, MIB if quick else 64 * MIB)
    batches = _batches(sizes)
    found = {batch: [] for batch in batches}
    site = Site(folder, sizes)
    try:
        for turn in range(rounds + 1):
            for batch in order.sample(batches, len(batches)):
                rate = site.measure(batch, _count(batch, quick))
                if turn:  # the first only warms up
                    found[batch].append(rate)
        return found, site.name()
    finally:
        site.stop()


def _batches(sizes):
    found = [Batch(direction, size, clients, contender, MAIN)
             for direction in CONTENDERS for size in sizes for clients in CLIENTS
             for contender in CONTENDERS[direction]]
    return found + [Batch(direction, size, CLIENTS[-1], OURS, prefix)
                    for direction in CONTENDERS for size in sizes
                    for prefix in SERVERS.values() if prefix != MAIN]


def _count(batch, quick):
    if quick:
        return batch.clients
    if batch.size >= MIB:
        return 8 if batch.clients == 1 else 32
    return 300 if batch.clients == 1 else 800


class Site:
    """A server with all contenders, in a folder in `folder`, and objects of `sizes` bytes."""

    def __init__(self, folder, sizes):
        self._folder = tempfile.mkdtemp(dir=folder)
        self._bodies = os.path.join(self._folder, 'bodies')
        self._server = None
        try:
            node = Node(self._folder, apache.python(), apache.owner(), places=(OURS,))
            self._roots = {OURS: node.roots[OURS], BARE: os.path.join(self._folder, 'bare'),
                           DAV: os.path.join(self._folder, 'dav')}
            self._lay_out(node, sizes)
            self._server = apache.Apache(node, _MODULES, _CONFIGURATION % {
                'platform': node.platform, 'path': node.egg + ':' + node.platform,
                'files': self._roots[OURS], 'dav': self._roots[DAV]})
            self._client = Client(self._server.port, '/' + MAIN)
            self._stored = {(name, size): self._store(name, size)
                            for name in (OURS, BARE, NOTHING) for size in sizes}
            self._kept = set(self._files())
            self._check(sizes)
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """End the server and remove all."""
        if self._server:
            self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def name(self):
        """Return what the server calls itself in its log."""
        return re.search(r'Apache/.*? configured', self._server.log()).group()[:-11]

    def measure(self, batch, count):
        """Return how many requests of a Batch were answered in a second, of `count` of them."""
        settle(self._folder)
        rate, received = (self._by_threads if batch.size >= MIB else self._by_ab)(batch, count)
        if batch.direction == 'download':
            content.require(received, batch.size * count)
        elif batch.contender != NOTHING:
            content.require(self._clear(batch.contender), [batch.size] * count)
        return rate

    def _by_ab(self, batch, count):
        method, path, headers, body = self._request(batch)
        arguments = ['-q', '-d', '-S', '-n', str(count), '-c', str(batch.clients)]
        for header in headers.items():
            arguments += ['-H', '%s: %s' % header]
        if body:
            arguments += ['-u' if method == 'PUT' else '-p', self._body(batch.size),
                          '-T', 'application/octet-stream']
        said = subprocess.run([find_program('ab')] + arguments + [
            'http://%s:%d%s' % (HOST, self._server.port, path)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        figures = dict(re.findall(r'(?m)^([\w -]+): +([\d.]+)', said))
        if [figures.get(name) for name in ('Complete requests', 'Failed requests',
                                           'Non-2xx responses')] != [str(count), '0', None]:
            raise RuntimeError('%s\n%s%s' % (batch, said, self._server.log()))
        return float(figures['Requests per second']), int(figures['HTML transferred'])

    def _by_threads(self, batch, count):
        start = time.perf_counter()
        with ThreadPoolExecutor(batch.clients) as clients:
            received = sum(clients.map(
                lambda _: sum(len(piece) for piece in self._ask(batch)), range(count)))
        return count / (time.perf_counter() - start), received

    def _ask(self, batch):
        """Make the request of a Batch and yield the pieces of its answer, one after the other."""
        method, path, headers, body = self._request(batch)
        connection = HTTPConnection(HOST, self._server.port, timeout=300)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content.require(answer.status // 100, 2)
            buffer = memoryview(bytearray(MIB))
            while True:
                size = answer.readinto(buffer)
                if not size:
                    return
                yield buffer[:size]
        finally:
            connection.close()

    def _request(self, batch):
        """Return the method, the path, the headers and the body of the request of a Batch."""
        body = content.data(batch.size) if batch.direction == 'upload' else None
        if batch.contender == DAV:
            return 'PUT', '/new', {}, body
        if batch.contender == FILES:
            path = json.loads(self._stored[OURS, batch.size]['places'][OURS])['path']
            return 'GET', '/files/' + path, {}, None
        arguments = {'place': batch.contender}
        if not body:
            arguments['stored'] = self._stored[batch.contender, batch.size]
        return ('POST' if body else 'GET', '/%s/%s' % (batch.prefix, batch.direction),
                {'Arguments': json.dumps(arguments)}, body)

    def _body(self, size):
        return os.path.join(self._bodies, str(size))

    def _lay_out(self, node, sizes):
        for folder in (self._bodies, self._roots[BARE], self._roots[DAV],
                       self._roots[DAV] + '.locks', os.path.join(node.platform, 'bench')):
            os.mkdir(folder)
        for size in sizes:
            with open(self._body(size), 'wb') as target:
                target.write(content.data(size))
        for name in (OURS, BARE):  # both have all of their shards beforehand
            Floor(self._roots[name])
        for top in list(self._roots.values()) + [self._roots[DAV] + '.locks']:
            for folder, _, _ in os.walk(top):
                os.chown(folder, *apache.owner())
        for name in ('__init__', 'contender', 'floor', 'request_modules'):
            shutil.copy(os.path.join(os.path.dirname(__file__), name + '.py'),
                        os.path.join(node.platform, 'bench'))
        path = os.path.join(node.platform, 'registrations.json')
        with open(path) as source:
            registrations = json.load(source)
        for label, kind, arguments in ((BARE, 'BareCalls', {'root': self._roots[BARE]}),
                                       (NOTHING, 'Nothing', {'folder': self._bodies})):
            registrations.append(json.dumps({'module': 'bench.request_modules.' + kind,
                                             'label': label, 'args': arguments}))
        with open(path, 'w') as target:
            json.dump(registrations, target)

    def _store(self, name, size):
        if name == NOTHING:
            return {'size': size, 'places': {name: str(size)}}
        return self._client.upload(name, content.data(size))

    def _check(self, sizes):
        """Compare the bytes of all contenders."""
        for size in sizes:
            for name in CONTENDERS['download']:
                content.verify(self._ask(Batch('download', size, 1, name, MAIN)), size)
            content.require(self._client.upload(NOTHING, content.data(size))['size'], size)
            for _ in self._ask(Batch('upload', size, 1, DAV, MAIN)):
                pass
            path, = set(self._files(DAV))
            with open(path, 'rb') as source:
                content.verify([source.read()], size)
            content.require(self._clear(DAV), [size])

    def _clear(self, contender):
        """Remove what a contender has stored, and return how large each of it was."""
        sizes = []
        for path in set(self._files(contender)) - self._kept:
            sizes.append(os.path.getsize(path))
            os.unlink(path)
        return sizes

    def _files(self, *contenders):
        return [os.path.join(folder, name) for contender in contenders or self._roots
                for folder, _, names in os.walk(self._roots[contender]) for name in names]
