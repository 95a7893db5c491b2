"""The figures as pictures."""

import os

import matplotlib

matplotlib.use('Agg')

from matplotlib import pyplot  # noqa: E402 (after the choice of what it draws with)

from bench import registry  # noqa: E402
from bench.figures import times  # noqa: E402

_OURS, _FLOOR, _ATOMIC, _IN_PLACE = '#c44e52', '#333333', '#4c72b0', '#b0b7c3'
MIB = 1024 * 1024


def draw(figures, folder):
    """Write a picture for each part of `figures` to `folder`, and return their paths."""
    os.makedirs(folder, exist_ok=True)
    kind = figures['about']['filesystem']
    parts = (('ratios', _ratios, figures['rows']), ('memory', _memory, figures['memory']),
             ('scaling', _scaling, figures['scaling']), ('growth', _growth, figures['growth']),
             ('layouts', _growth, figures['layouts']))
    paths = []
    for name, part, content in parts:
        if content:
            path = os.path.join(folder, '%s-%s.png' % (name, kind))
            picture = part(content, kind)
            picture.savefig(path, dpi=80, bbox_inches='tight')
            pyplot.close(picture)
            paths.append(path)
    return paths


def _grid(count, columns, height):
    lines = -(-count // columns)
    picture, axes = pyplot.subplots(lines, columns, squeeze=False,
                                    figsize=(5.2 * columns, height * lines))
    axes = list(axes.flat)
    for unused in axes[count:]:
        unused.axis('off')
    return picture, axes


def _ratios(rows, kind):
    picture, axes = _grid(len(rows), 3, 2.9)
    for axis, row in zip(axes, rows):
        _bars(axis, row)
    picture.suptitle('Time, as a multiple of the bare system calls with the same guarantee (%s). '
                     'Best round over best round.\nRed: mezeo_fsstore. Blue: whole or absent after '
                     'a crash of the process. Grey: written in place, torn by such a crash.' % kind,
                     y=1.0)
    picture.tight_layout()
    return picture


def _bars(axis, row):
    found = sorted(row['contenders'].items(), key=lambda item: -item[1]['best'])
    ratios = [values['best_ratio'] for _, values in found]
    bars = axis.barh([name for name, _ in found], ratios, color=[_color(name) for name, _ in found])
    axis.bar_label(bars, [times(ratio) for ratio in ratios], padding=2, fontsize=7)
    axis.set_xscale('log')
    # Bars of a logarithm have no natural start.
    axis.set_xlim(min(0.5, min(ratios) / 1.5), max(2, max(ratios) * 1.8))
    axis.axvline(1, color=_FLOOR, linewidth=0.8)
    axis.set_title(row['title'], fontsize=10)
    axis.tick_params(labelsize=7)
    axis.xaxis.set_major_formatter('{x:g}')
    axis.xaxis.set_minor_formatter(_few_numbers if max(ratios) < 8 else '')
    axis.tick_params(axis='x', which='minor', labelsize=6)


def _few_numbers(value, _):
    return '%g' % value if value in (0.5, 2, 3, 5) else ''


def _color(name):
    if name.startswith('mezeo_fsstore'):
        return _OURS
    if registry.is_bare(name):
        return _FLOOR
    return _IN_PLACE if registry.guarantee(name).startswith('in place') else _ATOMIC


def _memory(figures, kind):
    picture, axes = _grid(2, 2, 3.6)
    for axis, label in zip(axes, ('put', 'get')):
        found = sorted(figures['contenders'].items(), key=lambda item: -item[1][label])
        sizes = [values[label] / MIB for _, values in found]
        bars = axis.barh([name for name, _ in found], sizes,
                         color=[_color(name) for name, _ in found])
        axis.bar_label(bars, ['%.1f' % size for size in sizes], padding=2, fontsize=7)
        axis.set_title('%s a stream of %d MiB: peak memory, MiB (%s)' % (
            label, figures['size'] // MIB, kind), fontsize=10)
        axis.tick_params(labelsize=7)
        axis.margins(x=0.15)
    picture.tight_layout()
    return picture


def _scaling(parts, kind):
    picture, axes = _grid(len(parts), 2, 3.6)
    for axis, part in zip(axes, parts):
        names = list(part['contenders'])
        settings = list(next(iter(part['contenders'].values())))
        for index, setting in enumerate(settings):
            axis.bar([place + 0.27 * index for place in range(len(names))],
                     [part['contenders'][name][setting]['best'] for name in names],
                     width=0.25, label=setting)
        axis.set_xticks([place + 0.27 for place in range(len(names))], names, rotation=45,
                        ha='right')
        axis.set_title('%s 4 KiB: operations per second (%s)' % (part['method'], kind), fontsize=10)
        axis.tick_params(labelsize=7)
        axis.legend(fontsize=7)
    picture.tight_layout()
    return picture


def _growth(parts, kind):
    operations = list(next(iter(parts[0]['contenders'].values())))
    picture, axes = _grid(len(parts) * len(operations), 2, 2.9)
    panels = [(part, operation) for part in parts for operation in operations]
    for axis, (part, operation) in zip(axes, panels):
        for name, color in zip(part['contenders'], (_FLOOR, _OURS, _ATOMIC, _IN_PLACE)):
            found = part['contenders'][name][operation]
            axis.plot([int(number) for number in found],
                      [values['best'] * 1e6 for values in found.values()],
                      marker='o', label=name, color=color)
        axis.set_xscale('log')
        axis.set_ylim(bottom=0)
        axis.set_title('%s: microseconds by number of objects (%s, %s)' % (
            operation, kind, 'cold' if part['cold'] else 'warm'), fontsize=10)
        axis.tick_params(labelsize=7)
        axis.legend(fontsize=7)
    picture.tight_layout()
    return picture
