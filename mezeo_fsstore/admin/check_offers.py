"""Steps that try what the filesystem of a root offers, and doubt what it may only claim."""

import errno
import fcntl
import hashlib
import io
import mmap
import os
import stat
import time

from mezeo_fsstore import disk
from mezeo_fsstore.admin.check_readers import replace_under_reader
from mezeo_fsstore.admin.check_report import Fault, Warn
from mezeo_fsstore.admin.marking import CURABLE
from mezeo_fsstore.admin.small_root import make_directory
from mezeo_fsstore.compat import get_attribute, set_attribute

_CONTENT = b'content ' * 512

# Kinds of filesystems on which a sync of a directory may succeed and do nothing.
_OF_OTHERS = ('fuse', 'fuseblk', 'virtiofs', '9p', 'cifs', 'smb3', 'vboxsf')
_IN_MEMORY = ('tmpfs', 'ramfs')

# With any of these mount options, as the kernel spells them, NFS caches no missing names.
_LOOKS_AGAIN = frozenset(['lookupcache=pos', 'lookupcache=none', 'noac'])


def steps(small, storage, file_mode, dir_mode, mount):
    """Return the steps that try the filesystem in `small`, a SmallRoot.

    `storage` is a module over it that does not sync, the modes are the registered ones, and
    `mount` is the Mount of the root, or None.
    """
    on_nfs = mount is not None and mount.kind in ('nfs', 'nfs4')
    found = [('modes are kept', lambda: _modes(small, file_mode, dir_mode)),
             ('sync of directories', lambda: _sync_directory(small, mount)),
             ('replace it under another process', lambda: replace_under_reader(storage, on_nfs)),
             ('hard links', lambda: _hard_links(small)),
             ('extended attributes', lambda: _attributes(small)),
             ('a digest takes no block', lambda: _block_of_digest(small)),
             ('hashing (SHA-256)', _hash),
             ('copies that share blocks (reflink)', lambda: _reflink(small)),
             ('direct reads', lambda: _direct_reads(small))]
    if on_nfs:
        found.append(('new names are seen at once', lambda: _new_names(mount)))
    return found


def _modes(small, file_mode, dir_mode):
    with small.probe() as path:
        for mode in (0o600, file_mode):
            _require_mode(path, 'a file', mode)
    path = small.new_shard()
    make_directory(path, 0o700)
    for mode in (dir_mode | stat.S_ISVTX, dir_mode):
        _require_mode(path, 'a directory', mode)
    if _mode_after(path, 0o2770) != 0o2770:
        raise Warn('setgid is not: a dir_mode such as 2770 can not be had here')
    return 'yes'


def _require_mode(path, what, mode):
    try:
        found = _mode_after(path, mode)
    except EnvironmentError as error:
        raise Fault('%s can not be given the mode %04o: %s' % (what, mode, error.strerror))
    if found != mode:
        raise Fault('%s that is given the mode %04o has %04o' % (what, mode, found))


def _mode_after(path, mode):
    os.chmod(path, mode)
    return stat.S_IMODE(disk.status_of_name(path).st_mode)


def _sync_directory(small, mount):
    if not small.root().sync():
        raise Warn('no: recent changes may be lost with the power')
    doubt = _doubt(mount)
    if doubt:
        raise Warn('yes, but ' + doubt)
    return 'yes'


def _doubt(mount):
    """Return why a sync of a directory may do nothing, None where there is no such reason."""
    if mount is None:
        return 'whether it reaches a disk can not be told here: the filesystem is unknown'
    if mount.kind.split('.')[0] in _OF_OTHERS:
        return 'whether it reaches a disk can not be told here: %s passes it on' % mount.kind
    # Linux 6.18 spells it fsync=volatile.
    if mount.kind == 'overlay' and mount.options.intersection(['volatile', 'fsync=volatile']):
        return 'the overlay is mounted volatile, and then it does nothing'
    if mount.kind in _IN_MEMORY:
        return 'what is on %s is lost with the power' % mount.kind
    if mount.options.intersection(['nobarrier', 'barrier=0']):
        return 'it is mounted without barriers, and the disk may not have it'
    return None


def _hard_links(small):
    with small.probe() as path:
        name = small.new_name()
        try:
            disk.link(path, name)
        except EnvironmentError as error:
            if error.errno in CURABLE:
                raise
            raise Warn('no (%s): the marker has to be made by hand, init says how'
                       % error.strerror)
        finally:
            disk.discard(name)
    return 'yes'


def _attributes(small):
    with small.probe() as path:
        answer = _optional(lambda: _keep_attribute(path))
    if answer != 'yes':
        raise Warn(answer + ': objects are stored without a digest')
    return answer


def _block_of_digest(small):
    with small.probe() as path:
        before = disk.status_of_name(path).st_blocks
        if _optional(lambda: _keep_attribute(path)) != 'yes':
            return 'there is none'
        taken = disk.status_of_name(path).st_blocks - before
    if taken > 0:
        raise Warn('no: each object takes %d bytes more; on ext4 larger inodes cure that, '
                   'mkfs.ext4 -I 512' % (taken * 512))
    return 'yes'


def _hash():
    started = time.time()
    digest = hashlib.sha256()
    for _ in range(64):
        digest.update(_CONTENT * 32)
    # In MiB: 64 pieces of 128 KiB.
    return '%.0f MiB in a second' % (8 / max(time.time() - started, 1e-6))


def _reflink(small):
    with small.probe(_CONTENT) as source:
        with small.probe() as target:
            return _optional(lambda: _clone(source, target))


def _direct_reads(small):
    with small.probe(_CONTENT) as path:
        return _optional(lambda: _read_directly(path))


def _optional(attempt):
    """Return 'yes' if `attempt` succeeds, else 'no' with the error: the store can do without."""
    try:
        attempt()
    except EnvironmentError as error:
        return 'no (%s)' % error.strerror
    return 'yes'


def _keep_attribute(path):
    with open(path, 'r+b') as target:
        set_attribute(target.fileno(), disk.DIGEST, _CONTENT[:64])
        _require_same(get_attribute(target.fileno(), disk.DIGEST), _CONTENT[:64])


def _clone(source, target):
    with open(source, 'rb') as first:
        with open(target, 'r+b') as second:
            fcntl.ioctl(second.fileno(), disk.FICLONE, first.fileno())
            _require_same(second.read(), _CONTENT)


def _read_directly(path):
    buffer = mmap.mmap(-1, len(_CONTENT))  # aligned, as a direct read needs it
    try:
        with io.FileIO(os.open(path, os.O_RDONLY | os.O_DIRECT)) as stream:
            stream.readinto(buffer)
        _require_same(buffer[:], _CONTENT)
    finally:
        buffer.close()


def _require_same(found, expected):
    if found != expected:
        raise EnvironmentError(errno.EIO, 'other bytes come back')


def _new_names(mount):
    if not mount.options.intersection(_LOOKS_AGAIN):
        raise Warn('no: available may say False for 30 s after another node has stored an object. '
                   'Mount it with lookupcache=positive')
    return 'yes'
