"""The figures as tables of text."""

import tabulate

from bench import registry
from bench.figures import times
from bench.requests import BARE, OURS

MIB = 1024 * 1024

#: The columns of the table of requests.
REQUEST_HEADERS = ['', 'clients', 'served by', 'requests a second', 'median', 'ms a request',
                   '/ours', 'ms above nothing', 'share']


def about(facts):
    """Return a paragraph on where it was measured."""
    packages = ', '.join('%s %s' % item for item in sorted(facts['packages'].items()))
    return ('%(filesystem)s, Linux %(kernel)s, %(machine)s, %(cores)d cores, Python %(python)s, '
            'load %(load_at_start).1f at the start, seed %(seed)d\n' % facts + packages)


def row(figures):
    """Return the table of one row. Ratios are to the floor of the same guarantee."""
    found = sorted(figures['contenders'].items(), key=lambda item: item[1]['best'])
    unit, factor = _unit(found[0][1]['best'])
    lines = [[name, registry.guarantee(name)] + [
        cell for label in ('best', 'median', 'cpu')
        for cell in (_short(values[label] * factor), times(values[label + '_ratio']))]
        for name, values in found]
    headers = ['', 'guarantee', 'best ' + unit, '/floor', 'median ' + unit, '/floor',
               'CPU ' + unit, '/floor']
    title = '%s (%s)   %d rounds of %d' % (
        figures['title'], figures['name'], figures['rounds'], figures['count'])
    return _table(title, lines, headers, figures['left_out'])


def memory(figures):
    """Return the table of peak memory."""
    lines = [[name] + ['%.1f' % (values[label] / MIB) for label in ('put', 'get')]
             for name, values in sorted(figures['contenders'].items(),
                                        key=lambda item: item[1]['put'])]
    return _table('peak memory, MiB, of a stream of %d MiB   1 round' % (figures['size'] // MIB),
                  lines, ['', 'put', 'get'], figures['left_out'])


def scaling(figures):
    """Return the table of throughput."""
    settings = list(next(iter(figures['contenders'].values())))
    lines, rounds = [], 0
    for name, values in figures['contenders'].items():
        cells = [name]
        for setting in settings:
            rounds = values[setting]['rounds']
            cells += ['%d' % values[setting]['best'], times(values[setting]['ratio'])]
        lines.append(cells)
    headers = [''] + [cell for setting in settings for cell in (setting, '/1')]
    title = '%s 4 KiB, best operations per second (scaling)   %d rounds' % (
        figures['method'], rounds)
    return _table(title, lines, headers, figures['left_out'])


def growth(figures):
    """Return the table of costs by number of objects."""
    lines, numbers, rounds = [], [], 0
    for name, operations in figures['contenders'].items():
        for operation, values in operations.items():
            numbers = list(values)
            rounds = values[numbers[0]]['rounds']
            lines.append([name, operation] + [
                cell for number in numbers
                for cell in (_short(values[number]['best'] * 1e6),
                             times(values[number]['ratio']))])
    headers = ['', ''] + [cell for number in numbers
                          for cell in (number, '/' + numbers[0])]
    title = 'cost by number of objects, best us, %s   %d rounds of 100' % (
        'cold' if figures['cold'] else 'warm', rounds)
    return _table(title, lines, headers, {})


def walks(parts):
    """Return the table of the commands that look at all objects."""
    lines = [[part['title'], '%.2f' % part['best'], times(part['best_ratio']),
              times(part['target']), times(part['cpu_ratio']), '%.1f' % (part['memory'] / MIB),
              '%.1f' % (part['memory_floor'] / MIB)] for part in parts]
    return _table('commands over all objects   %d rounds' % parts[0]['rounds'], lines, [
        '', 'best s', '/floor', 'target', 'CPU', 'peak MiB', 'of the floor'], {})


def requests(figures):
    """Return the tables of requests through Apache."""
    lines, tuning = request_lines(figures)
    title = 'requests through Apache   %d rounds' % figures['rounds']
    return (figures['server'] + '\n' + _table(title, lines, REQUEST_HEADERS, {})
            + _table('ours, best requests a second', *tuning, {}))


def request_lines(figures):
    """Return the lines of the table of requests, and the lines and headers of that of tuning."""
    lines = []
    for row in figures['rows']:
        for name, values in row['contenders'].items():
            own = name in (OURS, BARE)  # others are no module in the application
            lines.append([
                _direction(row), '%d' % row['clients'], name, _short(values['best']),
                _short(values['median']), _short(values['seconds'] * 1e3), times(values['ratio']),
                _short(values['above'] * 1e3) if own else '-',
                '%.0f%%' % (values['share'] * 100) if own else '-'])
    tuning = [[label] + [_short(values['best']) for values in found]
              for label, found in figures['tuning'].items()]
    return lines, (tuning, [''] + [
        '%s, %d clients' % (_direction(values), values['clients'])
        for values in next(iter(figures['tuning'].values()))])


def _direction(values):
    size = values['size']
    return '%s %s' % (values['direction'], '%d MiB' % (size // MIB) if size >= MIB
                      else '%d KiB' % (size // 1024))


def _table(title, lines, headers, left_out):
    text = '\n%s\n%s\n' % (title, tabulate.tabulate(
        lines, headers, disable_numparse=True,
        colalign=['left'] + ['left' if lines and not lines[0][1][:1].isdigit() else 'right']
        + ['right'] * (len(headers) - 2)))
    for name, reason in left_out.items():
        text += 'left out: %s %s\n' % (name, reason)
    return text


def _unit(seconds):
    return ('us', 1e6) if seconds < 1e-3 else ('ms', 1e3)


def _short(value):
    return '%.*f' % (0 if value >= 1000 else 1 if value >= 10 else 2, value)
