"""Counts the calls to the kernel of single operations, ours and the floor's, side by side.

    PYTHONPATH=. python3 bench/syscalls.py [--calls] [--guard] [--folder DIR]

Needs strace, and no peers: any Python 3.8 or later will do. `--calls` lists each call in its
order. `--guard` gives the module a root with a marker, as `init` makes it.
"""

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

from bench import content, registry

_SIZE = 4096
_MARK = 'bench-mark'
_PAIRS = (('floor', 'mezeo_fsstore'), ('floor, durable', 'mezeo_fsstore, durable'))
#: Operation -> whether it matters that it is durable.
_OPERATIONS = {'put': True, 'get': False, 'get_range': False, 'exists': False, 'miss': False,
               'size': False, 'delete': True, 'statistics': False, 'copy': True}
# What Python's own memory and threads need: no matter of ours, and not the same each time.
_NOISE = re.compile(r'(mmap|munmap|brk|mremap|madvise|futex|rt_sig\w+)\(')


def main():
    """Print the table and return the exit status."""
    parser = argparse.ArgumentParser(prog='syscalls.py', description=__doc__.split('\n')[0])
    parser.add_argument('--calls', action='store_true', help='list each call in its order')
    parser.add_argument('--guard', action='store_true', help='the root has a marker')
    parser.add_argument('--folder', help='where to work')
    parser.add_argument('--child', nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _child(*options.child)
        return 0
    if not shutil.which('strace'):
        print('skipped: there is no strace')
        return 77
    for pair in _PAIRS:
        for operation, matters in _OPERATIONS.items():
            if matters or pair is _PAIRS[0]:
                _show(operation, pair, [_trace(name, operation, options) for name in pair],
                      options.calls)
    return 0


def _show(operation, names, traces, calls):
    print('%-12s' % operation + '   '.join(
        '%s: %d' % (name, len(trace)) for name, trace in zip(names, traces)))
    for name, trace in zip(names, traces):
        counts = collections.Counter(call.split('(')[0] for call in trace)
        print('    %-24s %s' % (name, ', '.join('%s %d' % item for item in counts.items())))
        for call in trace if calls else ():
            print('        ' + call[:140])


def _trace(name, operation, options):
    """Return the lines of strace for one operation."""
    folder = tempfile.mkdtemp(prefix='bench.', dir=options.folder)
    log, root = os.path.join(folder, 'log'), os.path.join(folder, 'root')
    os.mkdir(root)
    try:
        if options.guard:
            subprocess.check_output([sys.executable, '-m', 'mezeo_fsstore', 'init', root])
        subprocess.check_call(
            ['strace', '-f', '-qq', '-s', '24', '-o', log,
             sys.executable, '-m', 'bench.syscalls', '--child', name, operation, root])
        with open(log) as lines:
            return _between_marks(lines, folder)
    finally:
        shutil.rmtree(folder)


def _between_marks(lines, folder):
    calls, marks = [], 0
    for line in lines:
        call = line.split(None, 1)[1].rstrip()
        if _MARK in call:
            marks += 1
        elif marks == 1 and not _NOISE.match(call):
            calls.append(call.replace(folder, ''))
    return calls


def _child(name, operation, root):
    contender = registry.make(name, root)
    contender.prepare(4)
    call = getattr(contender, 'exists' if operation == 'miss' else operation)
    call(*_arguments(contender, operation))  # the first time would show imports
    arguments = _arguments(contender, operation)
    _mark()
    call(*arguments)
    _mark()


def _arguments(contender, operation):
    if operation == 'put':
        return (content.stream(_SIZE),)
    if operation == 'statistics':
        return ()
    if operation == 'miss':
        return (contender.missing(),)
    key = contender.put(content.stream(_SIZE))
    return (key, 1000, 1000) if operation == 'get_range' else (key,)


def _mark():
    os.path.exists(os.path.join(os.sep, _MARK))


if __name__ == '__main__':
    sys.exit(main())
