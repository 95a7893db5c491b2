"""Steps that store, read, copy, replace and delete test objects."""

from __future__ import division

import os

from mezeo_fsstore.admin.check_report import Fault
from mezeo_fsstore.admin.formats import in_units

_SMALL = 4 * 1024

_LARGE = 16 * 1024 * 1024


def large_size(free):
    """Return the size in bytes of the large object, where `free` bytes are free; -1 is unknown.

    Together with its copy it takes at most a quarter of what is free, but 4 KiB in any case.
    """
    size = _LARGE
    while size > _SMALL and size > free / 8 >= 0:
        size //= 2
    return size


def steps(storage, large_size):
    """Return the steps; each raises Fault if the storage does something else than promised."""
    return _Life(storage, large_size).steps()


class _Life(object):

    def __init__(self, storage, large_size):
        self._storage = storage
        self._small, self._large, self._copy = [storage.new_data(None) for _ in range(3)]
        self._first, self._second = os.urandom(_SMALL), os.urandom(_SMALL)
        self._bulk = os.urandom(_SMALL) * (large_size // _SMALL)

    def steps(self):
        storage, small, large = self._storage, self._small, self._large
        size = in_units(len(self._bulk)).replace('.0', '')
        return [
            ('not there yet', lambda: self._is_there(small, False)),
            ('put 4 KiB', lambda: self._put(small, self._first)),
            ('there', lambda: self._is_there(small, True)),
            ('size', self._size),
            ('get 4 KiB', lambda: self._get(small, self._first)),
            ('get a range', self._get_range),
            ('a writer that fails changes nothing', self._fail_to_replace),
            ('replace it under a reader', self._replace),
            ('delete it under a reader', self._delete),
            ('delete it again', lambda: storage.delete(None, small)),
            ('gone', lambda: self._is_there(small, False)),
            ('put %s' % size, lambda: self._put(large, self._bulk)),
            ('get %s' % size, lambda: self._get(large, self._bulk)),
            ('copy %s' % size, self._copy_it),
            ('delete %s' % size, self._delete_large)]

    def _is_there(self, module_data, expected):
        _require(self._storage.available(None, module_data) is expected,
                 'available() is not %s' % expected)

    def _put(self, module_data, content):
        self._storage.assign(None, module_data, _Source(content))

    def _size(self):
        found = self._storage.get_size(None, self._small)
        _require(found == _SMALL, '%d bytes were stored, and it says %d' % (_SMALL, found))

    def _get(self, module_data, content):
        with self._storage.get_read_stream(None, module_data) as stream:
            _require(stream.read() == content, 'other bytes come back')

    def _get_range(self):
        with self._storage.get_read_stream(None, self._small) as stream:
            stream.seek(1000)
            _require(stream.read(2000) == self._first[1000:3000], 'other bytes come back')

    def _fail_to_replace(self):
        try:
            self._storage.assign(None, self._small, _Source(self._second, fails=True))
        except _Failure:
            self._get(self._small, self._first)
        else:
            raise Fault('the failure of the stream is swallowed')

    def _replace(self):
        with self._storage.get_read_stream(None, self._small) as reader:
            self._put(self._small, self._second)
            _require(reader.read() == self._first, 'an open reader sees other bytes')
        self._get(self._small, self._second)

    def _delete(self):
        with self._storage.get_read_stream(None, self._small) as reader:
            self._storage.delete(None, self._small)
            _require(reader.read() == self._second, 'an open reader sees other bytes')

    def _copy_it(self):
        with self._storage.get_read_stream(None, self._large) as source:
            self._storage.assign(None, self._copy, source)
        self._get(self._copy, self._bulk)

    def _delete_large(self):
        for module_data in (self._large, self._copy):
            self._storage.delete(None, module_data)


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


def _require(condition, problem):
    # No `assert`: the check must check under `python -O` too.
    if not condition:
        raise Fault(problem)
