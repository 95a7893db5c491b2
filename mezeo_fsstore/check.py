"""The examination of a root: an object's whole life on it, and what its filesystem offers."""

from __future__ import division

import contextlib
import errno
import fcntl
import os
import sys
import time

from mezeo_fsstore import disk, files
from mezeo_fsstore.module_data import random_hex

_SMALL = 4 * 1024
_LARGE = 16 * 1024 * 1024

# The request of Linux's <linux/fs.h> that makes one file share the blocks of another.
_FICLONE = 0x40049409


def examine(path, durable, volatile):
    """Examine the root at `path` through two modules over it; print a line a step.

    `durable` syncs and `volatile` does not. Returns whether all steps passed. What the
    examination stores is removed, whatever happens.
    """
    print('root %s' % path)
    passed = True
    for title, storage in (('durable', durable), ('not durable', volatile)):
        print('\nlife of an object, %s' % title)
        passed = _live(storage) and passed
    print('\nwhat the filesystem offers')
    for name, answer in _offers(path, durable):
        print('      %-34s %s' % (name, answer))
    print('\n%s' % ('all is well' if passed else 'FAILED: see above'))
    return passed


def _live(storage):
    life = _Life(storage)
    try:
        for name, step in life.steps():
            started = time.time()
            try:
                step()
            except Exception as error:
                print('FAIL  %-34s %s' % (name, ' '.join(str(error).split())))
                return False
            print('ok    %-34s %10.3f ms' % (name, (time.time() - started) * 1000))
            sys.stdout.flush()
        return True
    finally:
        life.end()


class _Life(object):
    """The steps of the life of two objects. Each raises where the storage breaks its word."""

    def __init__(self, storage):
        self._storage = storage
        self._small, self._large = storage.new_data(None), storage.new_data(None)
        self._first, self._second = os.urandom(_SMALL), os.urandom(_SMALL)
        self._bulk = os.urandom(_SMALL) * (_LARGE // _SMALL)
        self._reader = None

    def steps(self):
        """Return pairs of a name and a function without arguments, in order."""
        return [
            ('not there yet', self._is_absent),
            ('put 4 KiB', lambda: self._assign(self._small, self._first)),
            ('there', self._is_present),
            ('size', self._has_size),
            ('get 4 KiB', lambda: self._get(self._small, self._first)),
            ('get a range', self._get_range),
            ('a writer that fails changes nothing', self._fail_to_replace),
            ('replace it under a reader', self._replace),
            ('delete it under the reader', self._delete),
            ('delete it again', lambda: self._storage.delete(None, self._small)),
            ('gone', self._is_absent),
            ('put 16 MiB', lambda: self._assign(self._large, self._bulk)),
            ('get 16 MiB', lambda: self._get(self._large, self._bulk)),
            ('delete 16 MiB', lambda: self._storage.delete(None, self._large)),
        ]

    def end(self):
        """Remove what is left of both objects, as well as the root allows."""
        if self._reader:
            self._reader.close()
        for module_data in (self._small, self._large):
            try:
                self._storage.delete(None, module_data)
            except EnvironmentError:
                pass

    def _is_absent(self):
        _expect(self._storage.available(None, self._small) is False, 'available() is not False')

    def _is_present(self):
        _expect(self._storage.available(None, self._small) is True, 'available() is not True')

    def _has_size(self):
        _expect(self._storage.get_size(None, self._small) == _SMALL, 'get_size() is wrong')

    def _assign(self, module_data, content):
        self._storage.assign(None, module_data, _Source(content))

    def _get(self, module_data, content):
        with self._storage.get_read_stream(None, module_data) as stream:
            _expect(stream.read() == content, 'other bytes come back')

    def _get_range(self):
        with self._storage.get_read_stream(None, self._small) as stream:
            stream.seek(1000)
            _expect(stream.read(2000) == self._first[1000:3000], 'other bytes come back')

    def _fail_to_replace(self):
        try:
            self._storage.assign(None, self._small, _Source(self._second, fails=True))
        except _Failure:
            self._get(self._small, self._first)
        else:
            raise AssertionError('the failure of a stream is swallowed')

    def _replace(self):
        self._reader = self._storage.get_read_stream(None, self._small)
        self._assign(self._small, self._second)
        self._get(self._small, self._second)

    def _delete(self):
        self._storage.delete(None, self._small)
        _expect(self._reader.read() == self._first, 'an open reader sees other bytes')


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


def _offers(path, storage):
    """Return pairs of a property of the filesystem and what it is here."""
    numbers = storage.statistics(None)
    return [('sync of directories', _answer(_sync_directory, path)),
            ('extended attributes', _answer(_set_attribute, path)),
            ('copies that share blocks (reflink)', _answer(_clone, path)),
            ('bytes', _amount(numbers['capacity'], 1024 ** 3, ' GiB')),
            ('inodes', _amount(numbers['inodes'], 1, ''))]


def _answer(attempt, path):
    try:
        attempt(path)
    except AttributeError:
        return 'unknown: this Python can not ask'
    except EnvironmentError as error:
        return 'no (%s)' % errno.errorcode.get(error.errno, error.errno)
    return 'yes'


def _sync_directory(path):
    # Not `files.sync_directory`, which takes a filesystem without it for one that needs none.
    fd = disk.open_directory(path)
    try:
        os.fsync(fd)
    finally:
        disk.release(fd)


def _set_attribute(path):
    with _probe(path) as probe:
        os.setxattr(probe.name, 'user.mezeo_fsstore', b'1')


def _clone(path):
    with _probe(path) as source:
        with _probe(path) as target:
            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())


@contextlib.contextmanager
def _probe(path):
    name = os.path.join(path, '.check.%s' % random_hex(8))
    files.write(name, [b'\0' * _SMALL], 0o600, durable=False)
    try:
        with open(name, 'r+b') as probe:
            yield probe
    finally:
        disk.discard(name)


def _amount(numbers, unit, suffix):
    if numbers['total'] < 0:
        return 'unknown'
    return '%.*f%s of %.*f%s free' % (
        unit > 1, numbers['free'] / unit, suffix, unit > 1, numbers['total'] / unit, suffix)
