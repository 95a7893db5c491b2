"""The floor of what looks at all objects: bare loops of calls, each a process of its own.

    python -m bench.bare_walks ls|manifest|sweep|scrub ROOT [K/N]

They print what the commands print, but for headings and sums, and look at no error.
"""

import hashlib
import mmap
import os
import sys
import time


def main(name, root, part='1/1'):
    """Run the loop of that name over the shards of `root`, or over part K of N of them."""
    part, parts = [int(number) for number in part.split('/')]
    os.chdir(root)
    for shard in sorted(os.listdir('.')):
        if int(shard, 16) % parts == part - 1:
            _LOOPS[name](shard)


def _ls(shard):
    for entry in os.scandir(shard):
        status = os.lstat(entry.path)
        sys.stdout.write('{"path": "%s"}\t%d\t%s\n' % (
            entry.path, status.st_size,
            time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(status.st_mtime))))


def _manifest(shard):
    for entry in os.scandir(shard):
        fd = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
        digest = os.getxattr(fd, 'user.sha256').decode('ascii')
        os.close(fd)
        sys.stdout.write('%s  %s\n' % (digest, entry.path))


def _sweep(shard):
    for entry in os.scandir(shard):
        status = os.lstat(entry.path)
        if entry.name.startswith('.'):
            sys.stdout.write('%s\t%d\n' % (entry.path, status.st_size))


def _scrub(shard):
    for entry in os.scandir(shard):
        fd = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECT)
        digest = hashlib.sha256()
        while True:
            number = os.readv(fd, [_ROOM])
            if not number:
                break
            digest.update(_ROOM[:number] if number < len(_ROOM) else _ROOM)
        if digest.hexdigest() != os.getxattr(fd, 'user.sha256').decode('ascii'):
            sys.stdout.write('damaged\t%s\n' % entry.path)
        os.close(fd)


_ROOM = mmap.mmap(-1, 1024 * 1024)
_LOOPS = {'ls': _ls, 'manifest': _manifest, 'sweep': _sweep, 'scrub': _scrub}

if __name__ == '__main__':
    main(*sys.argv[1:])
