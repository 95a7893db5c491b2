"""What the commands cost that look at all objects: time, processor and memory, beside bare loops.

Each run is a process, as an administrator or cron starts it; that a Python starts is part of it.
"""

import os
import runpy
import shutil
import subprocess
import sys
import time

from bench import content
from bench.memory import status
from bench.rounds import settle

KIB = 1024
MIB = 1024 * KIB


class Walk:
    """A command over a tree of `count` objects of `size` bytes; `floor` names the bare loop."""

    def __init__(self, command, floor, count, size, target=None):
        self.command, self.floor = command.split(), floor
        self.count, self.size, self.target = count, size, target

    @property
    def title(self):
        """What is measured, for the reader."""
        size = '%d MiB' % (self.size // MIB) if self.size >= MIB else '%d KiB' % (self.size // KIB)
        return '%s: %s objects of %s' % (' '.join(self.command), format(self.count, ','), size)

    def commands(self, root):
        """Return name -> the module of ours, and of the bare loop, with its arguments."""
        name, options = self.command[0], self.command[1:]
        part = options[1:] if options[:1] == ['--part'] else []
        return {
            'mezeo_fsstore': ['mezeo_fsstore', name, root] + options,
            'floor': ['bench.bare_walks', self.floor, root] + part}


def walks(objects, quick=False):
    """Return what is measured; the largest tree has `objects` objects."""
    large, small, few = (MIB, 50, 20) if quick else (64 * MIB, 20000, 2000)
    return [
        Walk('scrub', 'scrub', 8, large, 1.15),
        Walk('scrub', 'scrub', small, 4 * KIB, 1.5),
        Walk('scrub', 'scrub', few, 4 * KIB),
        Walk('scrub --part 1/5', 'scrub', objects, 4 * KIB),
        Walk('ls', 'ls', few, 4 * KIB),
        Walk('ls', 'ls', objects, 4 * KIB, 1.6),
        Walk('ls --sha256', 'manifest', objects, 4 * KIB),
        Walk('sweep', 'sweep', few, 4 * KIB),
        Walk('sweep', 'sweep', objects, 4 * KIB)]


def run(asked, folder, rounds, order):
    """Return, for each Walk of `asked`, name -> list of (seconds, CPU seconds, peak bytes)."""
    folder = os.path.join(folder, 'walks')
    os.mkdir(folder)
    try:
        for number, size in sorted(set((walk.count, walk.size) for walk in asked)):
            _fill(_root(folder, number, size), number, size)
        settle(folder)
        return [_measure(walk.commands(_root(folder, walk.count, walk.size)), folder, rounds, order)
                for walk in asked]
    finally:
        shutil.rmtree(folder)


def _root(folder, count, size):
    return os.path.join(folder, '%d-%d' % (count, size))


def _fill(root, count, size):
    from mezeo_fsstore import FilesystemStorage
    os.mkdir(root)
    storage = FilesystemStorage(root=root, durable=False, digest='sha256')
    for _ in range(count):
        storage.put(None, content.stream(size))


def _measure(commands, folder, rounds, order):
    found = {name: [] for name in commands}
    for turn in range(rounds + 1):
        said = {}
        for name in order.sample(sorted(commands), len(commands)):
            said[name] = os.path.join(folder, name)
            figures = _run(commands[name], said[name])
            if turn:  # the first only warms up
                found[name].append(figures)
        if not turn:
            content.require(*[_objects(said[name]) for name in sorted(said)])
    return found


def _run(command, said):
    peak = said + '.peak'
    with open(said, 'wb') as target:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, '-m', 'bench.walks', peak] + command,
                                   stdout=target, stderr=subprocess.DEVNULL)
        _, process.returncode, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError('%s: status %d' % (' '.join(command), process.returncode))
    with open(peak) as source:
        return seconds, usage.ru_utime + usage.ru_stime, int(source.read())


def main(peak, module, *arguments):
    """Run a module as Python does with -m, and write the most memory that it took to `peak`."""
    sys.argv[1:] = arguments
    try:
        runpy.run_module(module, run_name='__main__', alter_sys=True)
    finally:
        # What wait4 tells would be that of the parent, were that larger.
        with open(peak, 'w') as target:
            target.write(str(status('VmHWM')))


def _objects(path):
    """Return the lines that speak of an object, in order."""
    with open(path) as lines:
        return sorted(line for line in lines if '/' in line)


if __name__ == '__main__':
    main(*sys.argv[1:])
