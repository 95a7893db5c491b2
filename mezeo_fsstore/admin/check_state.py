"""Steps that look at the state of a root: which one it is, its free space, its clock."""

import errno
import time

from mezeo_fsstore import disk
from mezeo_fsstore.admin.advice import shown
from mezeo_fsstore.admin.check_report import Warn
from mezeo_fsstore.admin.formats import in_units
from mezeo_fsstore.admin.marking import clock

# Seconds by which the clocks of a healthy machine and its file server may differ.
_MOST_SKEW = 5

# The share of free bytes or inodes below which `check` warns.
_LEAST_FREE = 0.05


def identity_steps(root, mount):
    """Return the steps that show which root `root`, a `Root`, is. `mount` is its Mount, or None."""
    return [('filesystem', lambda: _filesystem(mount)),
            ('marker', lambda: _marker(root))]


def steps(root, storage):
    """Return the steps for free space and the clock of `root`; `storage` is a module over it."""
    return [('bytes free', lambda: _bytes_free(root, storage)),
            ('inodes free', lambda: _inodes_free(root, storage)),
            ('clock', lambda: _clock(root))]


def _filesystem(mount):
    if mount is None:
        raise Warn('unknown: /proc/self/mountinfo does not tell')
    return '%s, mounted on %s' % (mount.kind, shown(mount.point))


def _marker(root):
    root.check_marker()
    if root.root_id is None:
        raise Warn('none: an unmounted volume would look the same')
    return root.root_id


def _bytes_free(root, storage):
    # This raises the error, if any. The module would only say that it does not know.
    disk.capacity(root.path)
    numbers = storage.statistics(None)['capacity']
    if numbers['total'] < 0:
        raise Warn('unknown: the filesystem does not tell')
    return _free(root, numbers, in_units)


def _inodes_free(root, storage):
    disk.capacity(root.path)
    numbers = storage.statistics(None)['inodes']
    return 'no fixed number' if numbers['total'] < 0 else _free(root, numbers, str)


def _free(root, numbers, show):
    total, free = numbers['total'], numbers['free']
    text = '%s of %s' % (show(free), show(total))
    if free == 0:
        raise EnvironmentError(errno.ENOSPC, text, root.path)
    if free < total * _LEAST_FREE:
        raise Warn('%s: it is nearly full' % text)
    return text


def _clock(root):
    skew = clock(root) - time.time()
    if abs(skew) > _MOST_SKEW:
        raise Warn('it is %.0f s %s here: set both by NTP'
                   % (abs(skew), 'ahead of the one' if skew > 0 else 'behind the one'))
    return 'that of the filesystem agrees with the one here'
