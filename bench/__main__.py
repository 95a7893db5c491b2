"""The command: what is asked for, in which folder, and where the results go."""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

from bench import (
    about, figures, growth, memory, page, registry, report, requests, rounds, rows, scaling, walks)

_MIB = 1024 * 1024


def main():
    """Run the command and return its exit status."""
    # As an exception, so that what has been made is removed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options = _options()
    if options.filesystem:
        return _on_fresh_filesystem(options)
    folder = tempfile.mkdtemp(prefix='bench.', dir=options.folder)
    # The user of a web server has to get through.
    os.chmod(folder, 0o711)
    # Peers and their children leave lock files there: libcloud one for each object.
    tempfile.tempdir = os.environ['TMPDIR'] = folder
    try:
        found = _measure(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        with open(options.json, 'w') as target:
            json.dump(found, target, indent=1, sort_keys=True)
    if options.page:
        page.update(options.page, found)
    if options.plots:
        from bench import plots
        for path in plots.draw(found, options.plots):
            print('drew ' + path)
    return 0


def _options():
    parser = argparse.ArgumentParser(
        prog='bench/run', description='Measure mezeo_fsstore beside the bare system calls and its '
        'peers, in one run, in turn.')
    names = [row.name for row in rows.rows()] + [
        'memory', 'scaling', 'growth', 'layouts', 'walks', 'requests']
    parser.add_argument('--rounds', type=int, default=9, help='rounds of each row (default 9)')
    parser.add_argument('--only', nargs='+', metavar='ROW', choices=names, default=names,
                        help='some of: ' + ' '.join(names))
    parser.add_argument('--objects', type=int, default=100000,
                        help='the most objects of the rows growth, layouts and walks '
                        '(default 100000)')
    parser.add_argument('--stream', metavar='MIB', type=int, default=1024,
                        help='length of the stream of the row memory (default 1024)')
    parser.add_argument('--cold', action='store_true', help='measure growth also with the '
                        "kernel's caches dropped before each step (superuser)")
    parser.add_argument('--folder', help='where to work (default: the folder for temporary files)')
    parser.add_argument('--filesystem', choices=['ext4', 'xfs', 'btrfs'],
                        help='work on a fresh one, in a file in that folder (superuser)')
    parser.add_argument('--json', metavar='FILE', help='write the figures there')
    parser.add_argument('--plots', metavar='DIR', help='draw pictures there')
    parser.add_argument('--page', metavar='FILE', help='write the tables to their places there, of '
                        'what was measured now and no more')
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(10 ** 6),
                        help='of the order within the rounds (default: another each time)')
    parser.add_argument('--quick', action='store_true',
                        help='a few seconds that only show that all of it runs')
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.objects = min(options.rounds, 2), min(options.objects, 1000)
        options.stream = min(options.stream, 16)
    options.folder = os.path.abspath(options.folder or tempfile.gettempdir())
    return options


def _on_fresh_filesystem(options):
    arguments = sys.argv[1:]
    place = next(index for index, argument in enumerate(arguments)
                 if argument.startswith('--filesystem'))
    del arguments[place:place + (1 if '=' in arguments[place] else 2)]
    # Each number of objects has a folder of its own.
    objects = int(options.objects * 1.12)
    size = (8 * 1024 + options.stream) * _MIB + objects * 8 * 1024
    helper = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'filesystems')
    return _wait_for(
        ['sh', helper, options.filesystem, str(size), str(objects + 500000), options.folder,
         sys.executable, '-m', 'bench'] + arguments + ['--seed', str(options.seed), '--folder'])


def _wait_for(command):
    child = subprocess.Popen(command)
    try:
        return child.wait()
    finally:
        # Never subprocess.call, which kills what is still to unmount.
        child.terminate()
        child.wait()


def _measure(options, folder):
    order = random.Random(options.seed)
    found = {'about': about.about(folder, options.seed), 'rows': [], 'memory': None,
             'scaling': [], 'growth': [], 'layouts': [], 'walks': [], 'requests': None}
    _show(report.about(found['about']))
    pool = registry.Pool(folder)
    for row in rows.rows(options.quick):
        if row.name in options.only:
            found['rows'].append(
                figures.of_row(row, *rounds.run(row, pool, options.rounds, order)))
            _show(report.row(found['rows'][-1]))
    if 'memory' in options.only:
        found['memory'] = _memory(options, folder)
    if 'scaling' in options.only:
        found['scaling'] = [_scaling(options, method, folder, order) for method in ('put', 'get')]
    for part, names in (('growth', growth.NAMES), ('layouts', growth.LAYOUTS)):
        if part in options.only:
            found[part] = _growth(options, names, folder, order)
    if 'walks' in options.only:
        found['walks'] = _walks(options, folder, order)
    if 'requests' in options.only:
        found['requests'] = _requests(options, folder, order)
    return found


def _memory(options, folder):
    size = options.stream * _MIB
    names = registry.RELAXED + registry.DURABLE
    found = figures.of_memory(
        *memory.run(names[:3] if options.quick else names, folder, size), size)
    _show(report.memory(found))
    return found


def _scaling(options, method, folder, order):
    names = registry.RELAXED[:3] if options.quick else registry.RELAXED
    if method == 'put':
        names += ('floor, digest, durable', 'mezeo_fsstore, durable')
    found = figures.of_scaling(method, *scaling.run(
        names, method, folder, options.rounds, 20 if options.quick else 500, order))
    _show(report.scaling(found))
    return found


def _growth(options, names, folder, order):
    colds = (False, True) if options.cold else (False,)
    parts = [figures.of_growth(results, cold) for cold, results in zip(colds, growth.run(
        names, folder, options.objects, options.rounds, order, colds))]
    for part in parts:
        _show(report.growth(part))
    return parts


def _walks(options, folder, order):
    asked = walks.walks(options.objects, options.quick)
    found = [figures.of_walk(walk, results) for walk, results in zip(
        asked, walks.run(asked, folder, options.rounds, order))]
    _show(report.walks(found))
    return found


def _requests(options, folder, order):
    reason = requests.missing(folder)
    if reason:
        _show('\nrequests: left out: ' + reason)
        return None
    found = figures.of_requests(*requests.run(folder, options.rounds, order, options.quick))
    _show(report.requests(found))
    return found


def _show(text):
    # At once: the next row may take minutes.
    print(text, flush=True)


if __name__ == '__main__':
    sys.exit(main())
