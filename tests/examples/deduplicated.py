"""A storage module that has another one keep equal contents once. An example, to read and to copy.

    {"module": "newstore.deduplicated.DeduplicatedStorage", "label": "Deduplicated",
     "args": {"module": "Files", "index": "/srv/index"}}

The contents lie in the module below, under its own module_data. The directory `index` tells which
object has which content. All that it holds are small files, records:

    contents/<sha256>-<size>   the record of a content: the module_data below, and the hash
    references/<id>            the record of the content of the object <id>
    pending/<random>           the record of a content that is being stored, or destroyed
    lock                       held (flock) for the few calls that change the three

The record of a content and those of its objects are *one file with several names* (hard links).
So the system itself counts the references, in one step with the change, and a content whose record
has one name left, that in `contents`, is referred to by nobody.

What the order of steps ensures, also when a process is killed between any two of them:

* A content is destroyed only after its record has left `contents`, so nobody refers to it anew.
* What is referred to is never destroyed: its record has a second name.
* At worst a content is left that nobody refers to. Its record has stayed in `pending`, where no
  living process holds its lock, or alone in `contents`. `sweep` finds both, and destroys them.

What it costs: each object is stored before it is known to be a duplicate; changes of the index are
made one at a time; all servers must see one index, on a filesystem with hard links and an flock
that holds between them (on NFS it does not hold between threads). Two contents of the same SHA-256
are taken for equal. Whoever may store can learn, by the time it takes, whether a content was there.
"""

# Or Python 2 looks for `newstore` in the package `newstore`.
from __future__ import absolute_import

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import uuid

from modules import StorageModule
from tests.examples.below import module_below

PARTS = ('contents', 'references', 'pending')

# How often an object may be replaced while a reader opens it.
TRIES = 20


class DeduplicatedStorage(StorageModule):
    """Has another module keep equal contents once.

    :param module: the name under which that module is registered.
    :param index: absolute path of an existing directory, used for nothing else.
    :param durable: sync the index to the disk before a call returns.

    Errors of the module below are passed on. A missing object raises the system's ENOENT.
    """

    def __init__(self, module=None, index=None, durable=True):
        super(DeduplicatedStorage, self).__init__()
        if not module:
            raise ValueError('argument module is missing: expected the name of another module')
        self._module = module
        self._index = Index(index, str(durable).lower() != 'false')

    def new_data(self, context):
        return uuid.uuid4().hex

    def assign(self, context, module_data, stream):
        _require_id(module_data)
        below = self._below(context)
        content_data = below.new_data(context)
        pending = self._index.begin(content_data)
        try:
            hashing = _Hashing(stream)
            try:
                below.assign(context, content_data, hashing)
            except:
                self._destroy_quietly(context, [pending.record()])
                raise
            # If this fails half-way, only `sweep` can tell whether the content is referred to.
            freed = self._index.publish(
                pending, module_data, hashing.key(), self._lost(context, hashing.key()))
            # The object is stored by now. What can't be destroyed, `sweep` will find.
            self._destroy_quietly(context, freed)
        finally:
            pending.release()

    def available(self, context, module_data):
        """Return True if the object is there and the module below has its content."""
        _require_id(module_data)
        record = self._index.find(module_data)
        while record is not None:
            if self._below(context).available(context, record.data):
                return True
            # Replaced in between, and its content destroyed? Then ask for the new one.
            latest = self._index.find(module_data)
            if latest is not None and latest.data == record.data:
                return False
            record = latest
        return False

    def get_read_stream(self, context, module_data):
        below = self._below(context)
        record = self._require(module_data)
        for _ in range(TRIES):
            try:
                return below.get_read_stream(context, record.data)
            except Exception:
                # Replaced or deleted in between, and its content with it? Else it is an error.
                latest = self._require(module_data)
                if latest.data == record.data:
                    raise
                record = latest
        raise EnvironmentError(errno.EAGAIN, 'it changes all the time', module_data)

    def delete(self, context, module_data):
        _require_id(module_data)
        for record in self._index.remove(module_data):
            self._destroy(context, record)

    def get_size(self, context, module_data):
        return self._require(module_data).size

    def statistics(self, context):
        """Return those of the module below: what is stored, not what it stands for."""
        return self._below(context).statistics(context)

    def put(self, context, stream):
        module_data = self.new_data(context)
        self.assign(context, module_data, stream)
        return module_data

    def capabilities(self, context):
        below = getattr(self._below(context), 'capabilities', None)
        return below(context) if below else {}

    def sweep(self, context):
        """Destroy the contents that killed processes have left. Returns their number.

        The platform never calls this; an administrator may, at any time.
        """
        records = self._index.abandoned()
        for record in records:
            self._destroy(context, record)
        return len(records)

    def _below(self, context):
        return module_below(context, self._module)

    def _require(self, module_data):
        _require_id(module_data)
        record = self._index.find(module_data)
        if record is None:
            raise EnvironmentError(errno.ENOENT, os.strerror(errno.ENOENT), module_data)
        return record

    def _lost(self, context, key):
        """Return the module_data that the index has for a content, if the module below has not.

        Asked before the index is locked. That it comes back in between does no harm.
        """
        record = self._index.content(key)
        if record is None or self._below(context).available(context, record.data):
            return None
        return record.data

    def _destroy(self, context, record):
        below = self._below(context)
        try:
            try:
                below.delete(context, record.data)
            except Exception:
                # Another try may have done it, and modules differ in what they say then.
                if below.available(context, record.data):
                    raise
            self._index.forget(record)
        finally:
            record.release()

    def _destroy_quietly(self, context, records):
        for record in records:
            try:
                self._destroy(context, record)
            except Exception:
                # There is something more important to tell; the record stays in `pending`.
                pass


class Index(object):
    """The directory of records. See the head of this file."""

    def __init__(self, path, durable):
        if not isinstance(path, (str, type(u''))) or not os.path.isabs(path):
            raise ValueError('argument index is %r: expected the absolute path of an existing '
                             'directory' % (path,))
        self._path, self._durable = path, durable
        for part in PARTS:
            try:
                os.mkdir(self.join(part))
            except EnvironmentError as error:
                if error.errno != errno.EEXIST:
                    raise
        os.close(_open(self.join('lock'), os.O_RDWR | os.O_CREAT))

    def join(self, *parts):
        return os.path.join(self._path, *parts)

    def find(self, module_data):
        """Return the record of an object, None where there is none."""
        return _read(self.join('references', module_data))

    def content(self, key):
        """Return the record of a content, None where there is none."""
        return _read(self.join('contents', key))

    def begin(self, content_data):
        """Return the Pending of a content that is about to be stored below as `content_data`."""
        with self.locked():
            pending = Pending(self._pending(), content_data)
        self._sync('pending')
        return pending

    def publish(self, pending, module_data, key, lost):
        """Make the pending content, whose key is known now, that of an object.

        Returns the records of contents to destroy: the pending one itself if there is an equal
        one, and the earlier one of the object. `lost` is the module_data of a content that the
        module below has lost, so that it must not serve for an equal one.
        """
        pending.write(key)
        if self._durable:
            os.fsync(pending.fd)
        with self.locked():
            try:
                return self._refer(pending, module_data, key, lost)
            finally:
                self._sync(*PARTS)

    def remove(self, module_data):
        """Take an object away. Returns the records of contents to destroy: one or none."""
        with self.locked():
            freed = self._replace(self.join('references', module_data), None)
            self._sync(*PARTS)
        return freed

    def _refer(self, pending, module_data, key, lost):
        content, reference = self.join('contents', key), self.join('references', module_data)
        known = self.content(key)
        if known is not None and known.data != lost:
            if _is_same(content, reference):
                # The object has this very content. A rename onto itself would do nothing.
                return [pending.record()]
            name = self._pending()
            if _link(content, name):
                return [pending.record()] + self._replace(reference, name)
        # The first of its kind; or the known one is lost, or can have no more names.
        _unlink(content)
        os.link(pending.path, content)
        return self._replace(reference, pending.path)

    def _replace(self, reference, name):
        """Have the record `name`, or none, take the place of a reference, in one step.

        Returns the records of contents that nobody refers to any more.
        """
        old = _read(reference)
        # More names than its own and that in `contents`: others refer to the content.
        last = old is not None and _links(reference) <= 2
        kept = self._pending()
        if last:
            os.link(reference, kept)
        if name is not None:
            os.rename(name, reference)
        elif old is not None:
            os.unlink(reference)
        return self._settle(kept, self.join('contents', old.key)) if last else []

    def _settle(self, kept, content):
        """Return the record `kept`, locked, in a list, if nobody refers to its content."""
        # It has one name more at most: that in `contents`, or another object's.
        if _is_same(kept, content):
            os.unlink(content)
        if _links(kept) == 1:
            record = _read(kept)
            record.lock()
            return [record]
        os.unlink(kept)
        return []

    def forget(self, record):
        """Remove the record of a content that is no longer there."""
        _unlink(record.path)

    def abandoned(self):
        """Return the records, locked, of contents that nobody refers to, nor works on."""
        found = []
        with self.locked():
            for name in os.listdir(self.join('pending')):
                record = _read(self.join('pending', name))
                if record is None or not record.lock():
                    continue
                if record.is_alone() and record.data is not None:
                    found.append(record)
                else:
                    # Another name of what is referred to, or nothing was stored yet.
                    self.forget(record)
                    record.release()
            for name in os.listdir(self.join('contents')):
                path, pending = self.join('contents', name), self._pending()
                if _links(path) == 1:
                    os.rename(path, pending)
                    found.append(_read(pending))
                    found[-1].lock()
            self._sync(*PARTS)
        return found

    @contextlib.contextmanager
    def locked(self):
        """Hold the lock of the index for a `with`."""
        fd = _open(self.join('lock'), os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _sync(self, *parts):
        """Return when the directories are on the disk, if that is wanted."""
        for part in parts if self._durable else ():
            fd = _open(self.join(part), os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def _pending(self):
        return self.join('pending', uuid.uuid4().hex)


class Record(object):
    """What one file of the index says: the module_data below, and the content's key and size."""

    def __init__(self, path, data, key=None):
        self.path, self.data, self.key = path, data, key
        self.size = None if key is None else int(key.split('-')[1])
        self._fd = None

    def lock(self):
        """Take the lock that tells `sweep` to leave it alone; return whether it was free."""
        try:
            self._fd = _open(self.path, os.O_RDWR)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except EnvironmentError as error:
            self.release()
            # Whoever had it may have removed it just now.
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.ENOENT):
                raise
            return False
        return True

    def is_alone(self):
        """Return whether the locked record has one name left."""
        return os.fstat(self._fd).st_nlink == 1

    def release(self):
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class Pending(object):
    """A content that is being stored: its record in the new file `path`, locked until `release`."""

    def __init__(self, path, content_data):
        self.path, self._data = path, content_data
        self.fd = _open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            self.write(json.dumps(content_data))
        except:
            os.close(self.fd)
            os.unlink(path)
            raise

    def write(self, line):
        """Add a line to the record."""
        data = (line + '\n').encode('ascii')
        if os.write(self.fd, data) != len(data):
            raise EnvironmentError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)

    def record(self):
        return Record(self.path, self._data)

    def release(self):
        os.close(self.fd)


class _Hashing(object):
    """A stream that passes on another one, and hashes what passes."""

    def __init__(self, stream):
        self._stream, self._hash, self._size = stream, hashlib.sha256(), 0

    def read(self, size=-1):
        piece = self._stream.read(size)
        self._hash.update(piece)
        self._size += len(piece)
        return piece

    def key(self):
        """Return what is the same for equal contents only."""
        return '%s-%d' % (self._hash.hexdigest(), self._size)


def _require_id(module_data):
    # It becomes a part of a path.
    if not re.match(r'[0-9a-f]{32}\Z', module_data):
        raise ValueError('not a module_data of DeduplicatedStorage: %.80r' % (module_data,))


def _open(path, flags):
    return os.open(path, flags | getattr(os, 'O_CLOEXEC', 0), 0o600)


def _read(path):
    """Return the record in the file `path`, None where there is none.

    Its data is None where the writer died at the start: nothing was stored yet.
    """
    try:
        with open(path) as source:
            lines = source.read().split('\n')
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
        return None
    data = json.loads(lines[0]) if len(lines) > 1 else None
    return Record(path, data, lines[1] if len(lines) > 2 else None)


def _links(path):
    return os.stat(path).st_nlink


def _is_same(one, other):
    try:
        return os.path.samefile(one, other)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
        return False


def _unlink(path):
    try:
        os.unlink(path)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise


def _link(source, target):
    """Give a file one name more; return False if it has as many as its filesystem allows."""
    try:
        os.link(source, target)
    except EnvironmentError as error:
        if error.errno != errno.EMLINK:
            raise
        return False
    return True
