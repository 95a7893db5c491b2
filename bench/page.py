"""The figures on a page of documentation: what lies between two marks is written anew.

    <!-- xfs: rows -->
    ...
    <!-- end -->

A page may have such a place for each type of filesystem and part of the figures, or none.
"""

import re

import tabulate

from bench import registry, report
from bench.figures import times

MIB = 1024 * 1024

#: What is ours in the rows, and the floor with the same duties.
_OURS = {'mezeo_fsstore': 'floor', 'mezeo_fsstore, digest': 'floor, digest',
         'mezeo_fsstore, durable': 'floor, digest, durable',
         'mezeo_fsstore, no digest, durable': 'floor, durable'}

#: What each is to reach in a row: its best round over that floor's.
TARGETS = dict(
    [((row, 'mezeo_fsstore'), target) for row, target in (
        ('put-4k', 1.3), ('put-256m', 1.05), ('get-4k', 1.5), ('get-256m', 1.05),
        ('range-4k', 1.6), ('exists-hit', 1.5), ('exists-miss', 1.5), ('size', 1.5),
        ('delete', 1.1))]
    + [((row, 'mezeo_fsstore, durable'), target) for row, target in (
        ('put-4k-durable', 1.1), ('put-256m-durable', 0.9), ('put-1g-durable', 0.9),
        ('delete-durable', 1.1), ('copy-256m-durable', 0.1), ('copy-1g-durable', 0.1))]
    + [((row, 'mezeo_fsstore, no digest, durable'), target) for row, target in (
        ('put-256m-durable', 0.8), ('put-1g-durable', 0.8))])

#: The same, where the filesystem asks for another.
OF_FILESYSTEM = {'xfs': dict(
    [((row, 'mezeo_fsstore, durable'), 1.0) for row in ('put-256m-durable', 'put-1g-durable')]
    + [((row, 'mezeo_fsstore, no digest, durable'), 0.95)
       for row in ('put-256m-durable', 'put-1g-durable')])}


def update(path, found):
    """Write the parts of `found`, of one run, to their places in the file `path`."""
    with open(path, encoding='utf-8') as source:
        text = source.read()
    kind = found['about']['filesystem']
    for name, part in (('about', _about), ('rows', lambda rows: _rows(rows, kind)),
                       ('chunks', _chunks),
                       ('memory', _memory), ('scaling', _scaling), ('growth', _growths),
                       ('layouts', _growths), ('walks', _walks), ('requests', _requests)):
        content = found[{'chunks': 'rows'}.get(name, name)]
        written = part(content) if content else None
        if written:
            text = _replace(text, '%s: %s' % (kind, name), written)
    with open(path, 'w', encoding='utf-8') as target:
        target.write(text)


def _replace(text, mark, content):
    place = re.compile(r'(<!-- %s -->\n).*?(<!-- end -->)' % re.escape(mark), re.DOTALL)
    return place.sub(lambda found: found.group(1) + content + '\n' + found.group(2), text)


def _about(facts):
    return ('%(filesystem)s on a fresh filesystem in a file, Linux %(kernel)s, %(machine)s, '
            '%(cores)d cores, Python %(python)s.' % facts)


def _rows(rows, kind):
    """Return ours beside the bare calls, strictest first, and beside the nearest of the peers."""
    lines = []
    for row in rows:
        if row['name'] != 'chunks':
            lines += [_line(row, name, kind) for name in _OURS if name in row['contenders']
                      # Only what is put has a digest, or none.
                      and (row['name'].startswith('put') or 'digest' not in name)]
    return lines and _table(['', 'best', '/strictest', '/floor', 'target', 'median', 'CPU',
                             'best peer, atomic', 'best peer, in place'], lines)


def _line(row, name, kind):
    found = row['contenders']
    ours = found[name]
    # Bare calls with fewer duties than ours, and those with the same.
    strictest = found.get('bare') or found.get('floor, durable')
    floor = found.get(_OURS[name]) or found.get('floor, durable') or found['floor']
    place = row['name'], name
    target = OF_FILESYSTEM.get(kind, {}).get(place, TARGETS.get(place))
    if row['name'].startswith('copy') and 'reflink, durable' not in found:
        target = None  # it is for filesystems that can
    title = row['title'] + name.replace('mezeo_fsstore', '').replace(', durable', '')
    return [title, _time(ours['best']),
            _ratio(ours, strictest, 'best'), _ratio(ours, floor, 'best'), times(target),
            _ratio(ours, floor, 'median'), _ratio(ours, floor, 'cpu'),
            _nearest(found, True, ours), _nearest(found, False, ours)]


def _ratio(ours, floor, label):
    return times(floor and ours[label] / floor[label])


def _nearest(found, atomic, ours):
    """Return the quickest of the peers whose objects are `atomic`, or else are written in place.

    The number is its best round over ours: below 1 it is ahead of us.
    """
    ratios = [(values['best'] / ours['best'], name) for name, values in found.items()
              if registry.is_peer(name)
              and atomic != registry.guarantee(name).startswith('in place')]
    ratio, name = min(ratios) if ratios else (None, '')
    return ('%s %s' % (name, times(ratio))).strip()


def _chunks(rows):
    for row in rows:
        if row['name'] == 'chunks':
            return _table(['', 'best', '/256 KiB', 'median', 'CPU'], [
                [name, _time(values['best']), times(values['best_ratio']),
                 times(values['median_ratio']), times(values['cpu_ratio'])]
                for name, values in row['contenders'].items()])


def _memory(figures):
    return _table(['peak memory, MiB, of a stream of %d MiB' % (figures['size'] // MIB), 'put',
                   'get'],
                  [[name, '%.1f' % (values['put'] / MIB), '%.1f' % (values['get'] / MIB)]
                   for name, values in figures['contenders'].items()])


def _scaling(parts):
    settings = list(next(iter(parts[0]['contenders'].values())))
    lines = [['%s, %s' % (part['method'], name)] + [
        '%d (%s)' % (values[setting]['best'], times(values[setting]['ratio']))
        for setting in settings]
        for part in parts for name, values in part['contenders'].items()
        if not registry.is_peer(name)]
    return _table(['operations a second'] + settings, lines)


def _growths(parts):
    return '\n\n'.join(_growth(part) for part in parts)


def _growth(part):
    numbers = list(next(iter(next(iter(part['contenders'].values())).values())))
    lines = [[operation, name] + [
        '%.1f (%s)' % (values[number]['best'] * 1e6, times(values[number]['ratio']))
        for number in numbers]
        for name, operations in part['contenders'].items()
        for operation, values in operations.items()]
    return _table(['%s, best us' % ('cold' if part['cold'] else 'warm'), '']
                  + ['10^%d' % (len(number) - 1) for number in numbers], sorted(lines))


def _walks(parts):
    return _table(['', 'best', '/floor', 'target', 'CPU', 'peak memory', 'of the floor'], [
        [part['title'], '%.3g s' % part['best'], times(part['best_ratio']), times(part['target']),
         times(part['cpu_ratio']), '%.1f MiB' % (part['memory'] / MIB),
         '%.1f MiB' % (part['memory_floor'] / MIB)] for part in parts])


def _requests(figures):
    lines, (tuning, headers) = report.request_lines(figures)
    return '%s.\n\n%s\n\n%s' % (figures['server'], _table(report.REQUEST_HEADERS, lines), _table(
        ['ours, best requests a second'] + headers[1:], tuning))


def _table(headers, lines):
    return tabulate.tabulate(lines, headers, tablefmt='github', disable_numparse=True)


def _time(seconds):
    unit, factor = ('us', 1e6) if seconds < 1e-3 else ('ms', 1e3)
    return '%.3g %s' % (seconds * factor, unit)
