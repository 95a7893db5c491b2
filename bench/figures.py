"""From seconds to what is reported: plain dictionaries, as the JSON file holds them."""

import statistics

from bench.requests import CLIENTS, MAIN, NOTHING, OURS, SERVERS


def of_row(row, results, left_out):
    """Return the figures of a row of single operations, its ratios to the row's first contender."""
    base = results[row.names[0]]
    return {'name': row.name, 'title': row.title, 'count': row.count, 'left_out': left_out,
            'rounds': len(base.wall),
            'contenders': {name: _compare(series, base) for name, series in results.items()}}


def _compare(series, base):
    found = {}
    for label, summary, mine, bases in (('best', min, series.wall, base.wall),
                                        ('median', statistics.median, series.wall, base.wall),
                                        ('cpu', min, series.cpu, base.cpu)):
        found[label] = summary(mine)
        found[label + '_ratio'] = _ratio(summary(mine), summary(bases))
    found['samples'] = series.wall
    return found


def of_memory(results, left_out, size):
    """Return the figures of peak memory."""
    return {'size': size, 'contenders': results, 'left_out': left_out}


def of_scaling(method, results, left_out, alone='1'):
    """Return the best throughput of each setting, and its ratio to that of a single thread."""
    contenders = {}
    for name, settings in results.items():
        contenders[name] = {setting: {'best': max(rates), 'median': statistics.median(rates),
                                      'ratio': _ratio(max(rates), max(settings[alone])),
                                      'rounds': len(rates)}
                            for setting, rates in settings.items()}
    return {'method': method, 'contenders': contenders, 'left_out': left_out}


def of_growth(results, cold):
    """Return the costs for each number of objects, and their ratio to those for the fewest."""
    operations = {name: {operation: _growth(numbers) for operation, numbers in operations.items()}
                  for name, operations in results.items()}
    return {'cold': cold, 'contenders': operations}


def _growth(numbers):
    least = min(min(numbers.items())[1])
    return {str(number): {'best': min(series), 'median': statistics.median(series),
                          'ratio': _ratio(min(series), least), 'rounds': len(series)}
            for number, series in numbers.items()}


def of_walk(walk, results):
    """Return the figures of a command over all objects, its ratios to the bare loop."""
    found = {'title': walk.title, 'target': walk.target, 'rounds': len(results['floor'])}
    for label, place in (('best', 0), ('cpu', 1), ('memory', 2)):
        summary = max if label == 'memory' else min
        values = {name: summary(run[place] for run in runs) for name, runs in results.items()}
        found[label], found[label + '_floor'] = values['mezeo_fsstore'], values['floor']
        found[label + '_ratio'] = _ratio(values['mezeo_fsstore'], values['floor'])
    return found


def of_requests(results, server):
    """Return the figures of requests, of each contender and of ours as an administrator sets it.

    A ratio is the time of a request over that of one to ours. `above` is what it takes more than
    one to a module that keeps nothing, in seconds, and `share` that part of it.
    """
    rows, tuning = {}, {}
    for batch, rates in results.items():
        kind = batch.direction, batch.size, batch.clients
        if batch.prefix == MAIN:
            rows.setdefault(kind, {})[batch.contender] = rates
        if batch.contender == OURS and batch.clients == CLIENTS[-1]:
            tuning.setdefault(batch.prefix, []).append(
                {'direction': batch.direction, 'size': batch.size, 'clients': batch.clients,
                 'best': max(rates), 'median': statistics.median(rates)})
    return {'server': server, 'rounds': len(rates),
            'tuning': {label: tuning[SERVERS[label]] for label in SERVERS},
            'rows': [dict(zip(('direction', 'size', 'clients'), kind), contenders=_requests(
                found, kind[2])) for kind, found in rows.items()]}


def _requests(contenders, clients):
    found = {}
    times = {name: clients / max(rates) for name, rates in contenders.items()}
    for name, rates in contenders.items():
        above = times[name] - times[NOTHING]
        found[name] = {'best': max(rates), 'median': statistics.median(rates),
                       'seconds': times[name], 'ratio': _ratio(times[name], times[OURS]),
                       'above': above, 'share': above / times[name]}
    return found


def times(ratio):
    """Return a ratio as text; that of a copy which copies nothing has more digits."""
    return '-' if ratio is None else '%.*f' % (4 if ratio < 0.01 else 2, ratio)


def _ratio(value, base):
    return round(value / base, 5) if base else None
