"""`check`: the state of a root, the life of objects on it, what its filesystem offers."""

from __future__ import division

import errno
import fcntl
import os
import sys
import time

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin.advice import explain
from mezeo_fsstore.admin.marking import probe, time_of
from mezeo_fsstore.admin.options import add_command, add_registered
from mezeo_fsstore.admin.registration import act_as_owner, root_of, storage_of

_SMALL = 4 * 1024
_LARGE = 16 * 1024 * 1024

# Seconds by which the clocks of a healthy machine and its file server may differ.
_MOST_SKEW = 5

# The share of bytes or inodes below which an administrator should know.
_LEAST_FREE = 0.05


def add_commands(commands):
    """Add `check` to the parser of the command line."""
    add_registered(add_command(
        commands, check,
        'Examine the root: its state, the whole life of objects on it, each step timed, and what '
        'its filesystem offers.',
        'Each line starts with ok, warn or FAIL; with a FAIL the exit status is 1.'))


def check(options):
    """Run `check`: print a line for each step, and return 1 if any failed."""
    root = root_of(options)
    act_as_owner(root)
    passed = examine(root, storage_of(options, durable=True), storage_of(options, durable=False))
    return 0 if passed else 1


def examine(root, durable, volatile):
    """Examine `root`, a `Root`, through two modules over it; print a line for each step.

    `durable` syncs and `volatile` does not. Returns whether no step failed. What the examination
    stores is removed, whatever happens, but for the directories of objects.
    """
    print('root %s' % root.path)
    # The same two objects for both: their directories are on the disk before the second life.
    objects = durable.new_data(None), durable.new_data(None)
    sections = [('state', _state(root, durable)),
                ('life of an object, durable', _life(durable, *objects)),
                ('life of an object, not durable', _life(volatile, *objects)),
                ('what the filesystem offers', _offers(root))]
    # All of them, also after one that failed.
    passed = [_passes(root, title, steps) for title, steps in sections]
    print('\n%s' % ('all is well' if all(passed) else 'FAILED: see above'))
    return all(passed)


class _Warning(Exception):
    """What an administrator should know, though objects are safe."""


def _passes(root, title, steps):
    """Run steps, pairs of a name and a function that may return a text, until one fails."""
    print('\n%s' % title)
    try:
        for name, step in steps:
            started = time.time()
            try:
                verdict, text = 'ok', step()
            except _Warning as warning:
                verdict, text = 'warn', str(warning)
            except Exception as error:
                verdict, text = 'FAIL', explain(error, root.path)
            if text is None:
                text = '%10.3f ms' % ((time.time() - started) * 1000)
            print('%-5s %-35s %s' % (verdict, name, text))
            sys.stdout.flush()
            if verdict == 'FAIL':
                return False
        return True
    finally:
        # A generator: what it has to clean up is cleaned up now.
        steps.close()


def _state(root, storage):
    numbers = storage.statistics(None)
    yield 'marker', lambda: _marker(root)
    yield 'bytes free', lambda: _free(root, numbers['capacity'], 1024 ** 3, ' GiB')
    yield 'inodes free', lambda: _free(root, numbers['inodes'], 1, '')
    yield 'rights', lambda: _rights(root)
    yield 'clock', lambda: _clock(root)


def _marker(root):
    root.check_marker()
    if root.root_id is None:
        raise _Warning('none: an unmounted volume would look like an empty store; run init')
    return root.root_id


def _free(root, numbers, unit, suffix):
    total, free = numbers['total'], numbers['free']
    if total < 0:
        return 'unknown'
    text = '%.*f%s of %.*f%s' % (unit > 1, free / unit, suffix, unit > 1, total / unit, suffix)
    if free == 0:
        raise EnvironmentError(errno.ENOSPC, text, root.path)
    if free < total * _LEAST_FREE:
        raise _Warning('%s: it is nearly full' % text)
    return text


def _rights(root):
    """Fail for a directory that this user can't use: one made by another, most often."""
    for name in [''] + [name for name in disk.listdir(root.path) if names.is_shard(name)]:
        path = root.join(name)
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise EnvironmentError(
                errno.EROFS if os.statvfs(path).f_flag & 1 else errno.EACCES,
                'user %d can not use what user %d owns' % (os.geteuid(), os.stat(path).st_uid),
                path)
    return 'user %d may read and write it all' % os.geteuid()


def _clock(root):
    skew = time_of(root) - time.time()
    if abs(skew) > _MOST_SKEW:
        raise _Warning('it is %.0f s %s here: set both by NTP'
                       % (abs(skew), 'ahead of the one' if skew > 0 else 'behind the one'))
    return 'that of the filesystem agrees with the one here'


def _life(storage, small, large):
    """Yield the steps of the life of two objects; each raises where the storage breaks its word."""
    first, second = os.urandom(_SMALL), os.urandom(_SMALL)
    bulk = os.urandom(_SMALL) * (_LARGE // _SMALL)
    readers = []

    def available(expected):
        _expect(storage.available(None, small) is expected, 'available() is not %s' % expected)

    def assign(module_data, content):
        storage.assign(None, module_data, _Source(content))

    def get(module_data, content):
        with storage.get_read_stream(None, module_data) as stream:
            _expect(stream.read() == content, 'other bytes come back')

    def get_range():
        with storage.get_read_stream(None, small) as stream:
            stream.seek(1000)
            _expect(stream.read(2000) == first[1000:3000], 'other bytes come back')

    def fail_to_replace():
        try:
            storage.assign(None, small, _Source(second, fails=True))
        except _Failure:
            get(small, first)
        else:
            raise AssertionError('the failure of a stream is swallowed')

    def replace():
        readers.append(storage.get_read_stream(None, small))
        assign(small, second)
        get(small, second)

    def delete():
        storage.delete(None, small)
        _expect(readers[0].read() == first, 'an open reader sees other bytes')

    try:
        yield 'not there yet', lambda: available(False)
        yield 'put 4 KiB', lambda: assign(small, first)
        yield 'there', lambda: available(True)
        yield 'size', lambda: _expect(storage.get_size(None, small) == _SMALL, 'it is wrong')
        yield 'get 4 KiB', lambda: get(small, first)
        yield 'get a range', get_range
        yield 'a writer that fails changes nothing', fail_to_replace
        yield 'replace it under a reader', replace
        yield 'delete it under the reader', delete
        yield 'delete it again', lambda: storage.delete(None, small)
        yield 'gone', lambda: available(False)
        yield 'put 16 MiB', lambda: assign(large, bulk)
        yield 'get 16 MiB', lambda: get(large, bulk)
        yield 'delete 16 MiB', lambda: storage.delete(None, large)
    finally:
        for reader in readers:
            reader.close()
        for module_data in (small, large):
            _delete(storage, module_data)


def _delete(storage, module_data):
    try:
        storage.delete(None, module_data)
    except EnvironmentError:
        pass


class _Source(object):
    """A stream of `content`, which raises at its end if it `fails`."""

    def __init__(self, content, fails=False):
        self._content, self._position, self._fails = content, 0, fails

    def read(self, size):
        chunk = self._content[self._position:self._position + size]
        self._position += len(chunk)
        if self._fails and not chunk:
            raise _Failure
        return chunk


class _Failure(Exception):
    pass


def _expect(condition, problem):
    # No `assert`: the check must check under `python -O` too.
    if not condition:
        raise AssertionError(problem)


def _offers(root):
    yield 'sync of directories', lambda: _sync_directory(root)
    yield 'extended attributes', lambda: _offer(_set_attribute, root)
    yield 'copies that share blocks (reflink)', lambda: _offer(_clone, root)


def _offer(attempt, root):
    try:
        attempt(root)
    except AttributeError:
        return 'unknown: this Python can not ask'
    except EnvironmentError as error:
        # Any other error is none of the filesystem's properties.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTTY, errno.ENOSYS):
            raise
        return 'no'
    return 'yes'


def _sync_directory(root):
    if not root.sync():
        raise _Warning('no: recent changes may be lost with the power')
    return 'yes'


def _set_attribute(root):
    with probe(root) as path:
        os.setxattr(path, 'user.mezeo_fsstore', b'1')


def _clone(root):
    with probe(root) as first:
        with probe(root) as second:
            with open(first) as source:
                with open(second, 'w') as target:
                    fcntl.ioctl(target.fileno(), disk.FICLONE, source.fileno())
