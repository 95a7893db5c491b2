"""Where and with what it was measured: numbers mean little without it."""

import importlib.metadata
import os
import platform


def about(folder, seed):
    """Return what the reader of the figures must know, of the run in `folder`."""
    return {'python': platform.python_version(), 'kernel': platform.release(),
            'machine': platform.machine(), 'cores': os.cpu_count(),
            'load_at_start': os.getloadavg()[0], 'filesystem': filesystem(folder), 'seed': seed,
            'packages': _packages()}


def filesystem(folder):
    """Return the type of the filesystem of `folder`, such as 'xfs'."""
    found, kind = '', 'unknown'
    folder = os.path.realpath(folder)
    with open('/proc/self/mounts') as lines:
        for line in lines:
            point, name = line.split()[1:3]
            point = point.encode('latin-1').decode('unicode_escape')
            inside = folder == point or folder.startswith(point.rstrip('/') + '/')
            if inside and len(point) >= len(found):
                found, kind = point, name
    return kind


def _packages():
    with open(os.path.join(os.path.dirname(__file__), 'requirements.txt')) as lines:
        names = [line.strip() for line in lines if line.strip() and line[0] != '#']
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = 'not installed'
    return found
