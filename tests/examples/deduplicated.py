"""A storage module that has another one keep equal contents once. An example, to read and to copy.

    {"module": "newstore.deduplicated.DeduplicatedStorage", "label": "Deduplicated",
     "args": {"module": "Files", "index": "/srv/index"}}

The contents lie in the module below, under its own module_data. The directory `index` tells which
object has which content. It holds records, small files of two lines: the module_data below, and
the key of the content, `<sha256>-<size>`.

    contents/<key>      a content that uploads of the same bytes share
    references/<id>     the content that the object <id> has
    pending/<random>    a content that is being stored, or that uploads no longer share
    lock                held (flock) for the few calls that change the index

An administrator makes the three directories, the module never does: where they are missing the
volume is not mounted, and the module raises MissingIndex.

What keeps contents safe, also when a process is killed between any two steps:

* `delete` removes a reference and destroys nothing. Nor does an `assign` that replaces an object.
* `sweep` alone destroys what an object once had. It reads all references to know what none names.
  It believes no number of links: neither a backup nor every filesystem keeps that.
* Before that, the record of the content leaves `contents` for good. So no upload can share it.
* An upload shares a content only if the module below has it, in its full length. Else it stores its
  own, for later uploads to share. (Damage that keeps the length is for the module below to find.)

An upload that shares a content destroys the copy that it has just stored; nobody else knows of it.
Of a killed upload a copy may be left. `sweep` destroys that, too.

What it costs: what is deleted takes up space until the next `sweep`; each object is stored before
it is known to be a duplicate; each object has a file in the index; changes of the index are made
one at a time. All servers must see one index, on a filesystem whose flock holds between them and
between threads (NFS will not do), and a store below must belong to one index. Two contents of the
same SHA-256 are taken for equal. Whoever may store can learn, by the time it takes, whether a
content was there.
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

# The directories of the index, and the names of the records in them. Other names are left alone:
# a filesystem may keep removed files that are still open, as .nfs... or .fuse_hidden...
PARTS = {'contents': r'[0-9a-f]{64}-[0-9]+\Z',
         'references': r'[0-9a-f]{32}\Z',
         'pending': r'[0-9a-f]{32}\Z'}

# How often an object may be replaced while a reader opens it.
TRIES = 20


class MissingIndex(EnvironmentError):
    """The directory has no index: its volume is not mounted, or none was made."""

    def __init__(self, path):
        super(MissingIndex, self).__init__(
            errno.ENODEV, 'there is no index: is its volume mounted? (A new one needs the '
            'directories %s.)' % ', '.join(sorted(PARTS)), path)


class DeduplicatedStorage(StorageModule):
    """Has another module keep equal contents once.

    :param module: the name under which that module is registered.
    :param index: absolute path of a directory with the directories of an index, see above.
    :param durable: true or false: sync the index to the disk before a call returns.

    Errors of the module below are passed on. A missing object raises the system's ENOENT, a missing
    index MissingIndex.
    """

    def __init__(self, module=None, index=None, durable=True):
        super(DeduplicatedStorage, self).__init__()
        if not module:
            raise ValueError('argument module is missing: expected the name of another module')
        if str(durable).lower() not in ('true', 'false'):
            raise ValueError('argument durable is %r: expected true or false' % (durable,))
        self._module = module
        self._index = Index(index, str(durable).lower() == 'true')

    def new_data(self, context):
        return uuid.uuid4().hex

    def assign(self, context, module_data, stream):
        _require_id(module_data)
        below = self._below(context)
        pending = self._index.begin(below.new_data(context))
        try:
            try:
                hashing = _Hashing(stream)
                below.assign(context, pending.data, hashing)
                pending.finish(hashing.key())
            except:
                self._destroy_quietly(context, pending)
                raise
            # If this fails, only `sweep` can tell whether the object has the new content.
            if self._publish(context, pending, module_data) is not pending:
                self._destroy_quietly(context, pending)
        finally:
            pending.release()

    def available(self, context, module_data):
        """Return True if the object is there, and the module below has its content, all of it."""
        _require_id(module_data)
        record = self._index.find(module_data)
        while record is not None:
            if self._is_whole(context, record):
                return True
            # Replaced in between, and its content swept? Then ask for the new one.
            latest = self._index.find(module_data)
            if latest is not None and latest.data == record.data:
                return False
            record = latest
        return False

    def get_read_stream(self, context, module_data):
        def open_whole(record):
            self._require_whole(context, record)
            return self._below(context).get_read_stream(context, record.data)
        return self._ask(module_data, open_whole)

    def delete(self, context, module_data):
        """Remove the object. Its content stays until `sweep` finds that no other object has it."""
        _require_id(module_data)
        self._index.remove(module_data)

    def get_size(self, context, module_data):
        return self._ask(module_data, lambda record: self._require_whole(context, record))

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
        """Destroy the contents that no object has. Returns their number.

        The platform never calls this; an administrator must, and may at any time. What can't be
        destroyed does not stop it; the first such error is raised at the end.
        """
        destroyed, failure = 0, None
        for record in self._index.unreferenced():
            try:
                self._destroy(context, record)
                destroyed += 1
            except Exception as error:
                failure = failure or error
        if failure:
            raise failure
        return destroyed

    def _below(self, context):
        return module_below(context, self._module)

    def _publish(self, context, pending, module_data):
        """Give the object the pending content, or an equal one. Returns the one that it has."""
        given = None
        while given is None:
            # Asked before the index is locked: the module below may take its time.
            known = self._index.content(pending.key)
            usable = known is not None and self._is_usable(context, known)
            given = self._index.publish(pending, module_data, known, usable)
        return given

    def _is_whole(self, context, record):
        below = self._below(context)
        return (below.available(context, record.data)
                and below.get_size(context, record.data) == record.size)

    def _is_usable(self, context, record):
        try:
            return self._is_whole(context, record)
        except Exception:
            # One content that is damaged must not fail each upload of the same bytes.
            return False

    def _require_whole(self, context, record):
        """Return the size of a content. Raises EIO if the module below has another one."""
        size = self._below(context).get_size(context, record.data)
        if size != record.size:
            raise EnvironmentError(errno.EIO, 'the content is damaged: it has %d bytes, and not %d'
                                   % (size, record.size), record.data)
        return size

    def _ask(self, module_data, question):
        """Return what `question` returns for the object's record."""
        record = self._require(module_data)
        for _ in range(TRIES):
            try:
                return question(record)
            except Exception:
                # Replaced or deleted in between, and its content swept? Else it is an error.
                latest = self._require(module_data)
                if latest.data == record.data:
                    raise
                record = latest
        raise EnvironmentError(errno.EAGAIN, 'it changes all the time', module_data)

    def _require(self, module_data):
        _require_id(module_data)
        record = self._index.find(module_data)
        if record is None:
            raise EnvironmentError(errno.ENOENT, os.strerror(errno.ENOENT), module_data)
        return record

    def _destroy(self, context, record):
        """Destroy a content whose record is in `pending`, then the record."""
        below = self._below(context)
        try:
            below.delete(context, record.data)
        except Exception:
            # Another try may have done it, and modules differ in what they say then.
            if below.available(context, record.data):
                raise
        _unlink(record.path)

    def _destroy_quietly(self, context, record):
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
            os.close(self._open(part))
        os.close(self._open('lock', os.O_RDONLY | os.O_CREAT))

    def join(self, *parts):
        return os.path.join(self._path, *parts)

    def find(self, module_data):
        """Return the record of an object, None where there is none. Raises MissingIndex."""
        with self._held():
            record = self._reference(module_data)
        return record if record is not None and record.key else None

    def content(self, key):
        """Return the record of a content that may be shared, None where there is none."""
        return _read(self.join('contents', key))

    def begin(self, data):
        """Return the Pending of a content that is about to be stored below as `data`."""
        with self.locked():
            pending = Pending(self._new_pending(), data, self._durable)
        try:
            pending.begin()
            self._sync('pending')
        except:
            _unlink(pending.path)
            pending.release()
            raise
        return pending

    def publish(self, pending, module_data, known, usable):
        """Give an object the content `known` if it is usable, or else the pending one.

        Returns the one it has got, or None if the index has another content of that key by now.
        """
        given = known if usable else pending
        content = self.join('contents', pending.key)
        with self.locked():
            if _data_of(self.content(pending.key)) != _data_of(known):
                return None
            if given is pending:
                # Objects may have the known one. `sweep` destroys it once none does.
                _move(content, self._new_pending())
                os.rename(pending.path, content)
                self._sync('pending', 'contents')
            self._refer(module_data, given)
        return given

    def remove(self, module_data):
        """Take an object away."""
        with self.locked():
            _unlink(self.join('references', module_data))
            self._sync('references')

    def unreferenced(self):
        """Return the records of contents that no object has. None will ever have them again."""
        with self._held() as lock:
            suspects = self._suspects()
            with self.locked():
                for name in suspects:
                    # Nothing can share it from now on. What has shared it until now shows below.
                    _move(self.join('contents', name), self._new_pending())
                records = self._abandoned()
                names = self._names('references')
            data = self._referenced(names)
            # If the volume has gone away meanwhile, references only seem to be deleted.
            if not os.path.samestat(os.fstat(lock), os.stat(self.join('lock'))):
                raise MissingIndex(self._path)
            # A power cut must not bring back a reference to what is destroyed.
            self._sync(*PARTS)
        return [record for record in records if record.data not in data]

    @contextlib.contextmanager
    def locked(self):
        """Hold the lock of the index for a `with`."""
        with self._held() as fd:
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                yield
            finally:
                # Closing does not unlock where a child that was forked meanwhile has it open.
                fcntl.flock(fd, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def _held(self):
        """Open the lock for a `with`. Meanwhile the volume of the index can't be unmounted."""
        fd = self._open('lock')
        try:
            yield fd
        finally:
            os.close(fd)

    def _open(self, name, flags=os.O_RDONLY):
        try:
            return _open(self.join(name), flags)
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
            raise MissingIndex(self._path)

    def _refer(self, module_data, content):
        """Make `content`, which has data and key, that of an object, in one step."""
        # One name for all: only who holds the lock writes, and a killed one leaves one file.
        path = self.join('references', '.new')
        _unlink(path)
        fd = _create(path)
        try:
            _write(fd, '%s\n%s\n' % (json.dumps(content.data), content.key), path, self._durable)
        finally:
            os.close(fd)
        os.rename(path, self.join('references', module_data))
        self._sync('references')

    def _suspects(self):
        """Return the names of contents that no object had a moment ago."""
        with self.locked():
            contents, references = self._names('contents'), self._names('references')
        data = self._referenced(references)
        return [name for name in contents
                if _data_of(_read(self.join('contents', name))) not in data]

    def _referenced(self, names):
        """Return the set of module_data below that the references `names` say."""
        return set(_data_of(self._reference(name)) for name in names)

    def _reference(self, name):
        # Strict: the content of a damaged one must not be destroyed, nor its object called missing.
        return _read(self.join('references', name), strict=True)

    def _abandoned(self):
        """Return the records in `pending` that no living process works on. Needs the lock."""
        found = []
        for name in self._names('pending'):
            path = self.join('pending', name)
            if _is_locked(path):
                continue
            record = _read(path)
            if record is None or self._is_shareable(record):
                _unlink(path)
            else:
                found.append(record)
        return found

    def _is_shareable(self, record):
        """Return whether `contents` has it too: in a copy of the index made while it changed."""
        return record.key is not None and _data_of(self.content(record.key)) == record.data

    def _names(self, part):
        return [name for name in os.listdir(self.join(part)) if re.match(PARTS[part], name)]

    def _new_pending(self):
        return self.join('pending', uuid.uuid4().hex)

    def _sync(self, *parts):
        """Return when the directories are on the disk, if that is wanted."""
        for part in parts if self._durable else ():
            fd = self._open(part)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


class Record(object):
    """What one file of the index says.

    `data` is the module_data below, `key` and `size` those of the content, None where unknown.
    """

    def __init__(self, path, data, key=None):
        self.path, self.data, self.key = path, data, key

    @property
    def size(self):
        return None if self.key is None else int(self.key.split('-')[1])


class Pending(Record):
    """The record of a content that is being stored, locked until `release`: `sweep` spares it."""

    def __init__(self, path, data, durable):
        super(Pending, self).__init__(path, data)
        self._durable = durable
        self._fd = _create(path)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        except:
            self.release()
            raise

    def begin(self):
        self._add(json.dumps(self.data))

    def finish(self, key):
        """Say what the content is, once that is known."""
        self._add(key)
        self.key = key

    def release(self):
        os.close(self._fd)

    def _add(self, line):
        _write(self._fd, line + '\n', self.path, self._durable)


class _Hashing(object):
    """A stream that passes on another one, and hashes what passes."""

    def __init__(self, stream):
        self._stream, self._hash, self._size = stream, hashlib.sha256(), 0

    def read(self, size=-1):
        piece = self._stream.read(size)
        if not isinstance(piece, bytes):
            raise TypeError('a stream must return bytes, but one returned %r' % (piece,))
        self._hash.update(piece)
        self._size += len(piece)
        return piece

    def key(self):
        """Return what is the same for equal contents only."""
        return '%s-%d' % (self._hash.hexdigest(), self._size)


def _require_id(module_data):
    # It becomes a part of a path.
    if not re.match(PARTS['references'], module_data):
        raise ValueError('not a module_data of DeduplicatedStorage: %.80r' % (module_data,))


def _open(path, flags):
    return os.open(path, flags | getattr(os, 'O_CLOEXEC', 0), 0o600)


def _create(path):
    """Make the file `path`; return a descriptor to write it. That is never 0, 1 or 2.

    A host that has closed those may still write log lines to them.
    """
    low = []
    try:
        while True:
            fd = _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            if fd > 2:
                return fd
            # A line of another thread may be in this file already, so another file is made. Until
            # then the descriptor stays open, and its number taken.
            low.append(fd)
            os.unlink(path)
    finally:
        for fd in low:
            os.close(fd)


def _write(fd, text, path, durable):
    data = text.encode('ascii')
    if os.write(fd, data) != len(data):
        raise EnvironmentError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    if durable:
        os.fsync(fd)


def _read(path, strict=False):
    """Return the record in the file `path`, None if there is none or it is empty.

    (A killed writer leaves empty ones, and so may a power cut without `durable`.) For a damaged one
    it returns None as well; with `strict` it raises EIO.
    """
    try:
        with open(path, 'rb') as source:
            text = source.read()
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
        return None
    try:
        lines = text.decode('ascii').split('\n')
        data = json.loads(lines[0])
    except ValueError:
        data = None
    if not isinstance(data, (str, type(u''))):
        if text and strict:
            raise EnvironmentError(errno.EIO, 'a damaged record: restore or remove it', path)
        return None
    key = lines[1] if len(lines) > 2 and re.match(PARTS['contents'], lines[1]) else None
    return Record(path, data, key)


def _data_of(record):
    return None if record is None else record.data


def _is_locked(path):
    """Return whether a living process works on a pending record, or has removed it."""
    try:
        fd = _open(path, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(fd)
    except EnvironmentError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.ENOENT):
            raise
        return True
    return False


def _move(source, target):
    """Rename a file, if it is there."""
    try:
        os.rename(source, target)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise


def _unlink(path):
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise
