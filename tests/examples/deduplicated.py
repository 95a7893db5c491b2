"""A storage module that stores equal contents once, in another one. An example, to read and copy.

    {"module": "newstore.deduplicated.DeduplicatedStorage", "label": "Deduplicated",
     "args": {"module": "Files", "index": "/srv/index"}}

The contents are stored in the module below, under its own module_data. The directory `index` says
which object has which content. It has records, small files of two lines: the module_data below,
and the key of the content, `<sha256>-<size>`.

    contents/<key>      a content that uploads of the same bytes share
    references/<id>     the content that the object <id> has
    pending/<random>    a content that is being stored, or that uploads no longer share
    lock                held (flock) for the few calls that change the index

An administrator makes the three directories, never the module: if they are missing, most often the
volume is not mounted, and the module raises MissingIndex.

Why no content is lost, even if a process is killed between any two steps:

* `delete` removes a reference and destroys nothing. Nor does an `assign` that replaces an object.
* Only `sweep` destroys a content that an object once had. It reads all references to find those
  that none names. It does not count links: backups, and some filesystems, do not keep them.
* Before that, the record of the content is removed from `contents`. So no upload can share it.
* An upload shares a content only if the module below has it, in its full length. Else it stores its
  own, for later uploads to share. (Damage that keeps the length is for the module below to find.)

An upload that shares a content destroys the copy that it has just stored; nobody else knows of it.
A killed upload may leave a copy. `sweep` destroys that, too.

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

# The number of tries to open an object that is replaced meanwhile.
TRIES = 20


class MissingIndex(EnvironmentError):
    """The directory has no index: the volume is not mounted, or no index was made."""

    def __init__(self, path):
        super(MissingIndex, self).__init__(
            errno.ENODEV, 'there is no index: is its volume mounted? (A new one needs the '
            'directories %s.)' % ', '.join(sorted(PARTS)), path)


class DeduplicatedStorage(StorageModule):
    """Stores equal contents once, in another module.

    :param module: the name under which that module is registered.
    :param index: absolute path of a directory with the directories of an index, see above.
    :param durable: true or false: sync the index to the disk before a call returns.

    Errors of the module below are passed on. A missing object raises EnvironmentError with ENOENT,
    a missing index MissingIndex, foreign module_data and an unusable argument ValueError.
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
        """Return True if the object is there and the module below has all of its content."""
        _require_id(module_data)
        record = self._index.find(module_data)
        while record is not None:
            if self._is_whole(context, record):
                return True
            # If it was replaced meanwhile, and the old content swept, look at the new one.
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
        """Remove the object. Its content stays until `sweep` finds that no object has it."""
        _require_id(module_data)
        self._index.remove(module_data)

    def get_size(self, context, module_data):
        return self._ask(module_data, lambda record: self._require_whole(context, record))

    def statistics(self, context):
        """Return those of the module below: a content that objects share counts once."""
        return self._below(context).statistics(context)

    def put(self, context, stream):
        module_data = self.new_data(context)
        self.assign(context, module_data, stream)
        return module_data

    def capabilities(self, context):
        below = getattr(self._below(context), 'capabilities', None)
        return below(context) if below else {}

    def sweep(self, context):
        """Destroy the contents that no object has; return their number.

        The platform never calls this; an administrator must, and may at any time. An error does not
        stop it; the first one is raised at the end.
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
        """Give the object the pending content, or an equal one; return the record of that."""
        given = None
        while given is None:
            # Ask before the index is locked: the module below may be slow.
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
            # A damaged content must not make uploads of the same bytes fail.
            return False

    def _require_whole(self, context, record):
        """Return the size of a content. Raises EIO if the size in the module below is another."""
        size = self._below(context).get_size(context, record.data)
        if size != record.size:
            raise EnvironmentError(errno.EIO, 'the content is damaged: it has %d bytes, and not %d'
                                   % (size, record.size), record.data)
        return size

    def _ask(self, module_data, question):
        """Return what `question` returns for the record of the object. Raises ENOENT for none."""
        record = self._require(module_data)
        for _ in range(TRIES):
            try:
                return question(record)
            except Exception:
                # If it was replaced meanwhile, and the old content swept, try the new one.
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
            # It may be destroyed already: some modules raise then, others do not.
            if below.available(context, record.data):
                raise
        _unlink(record.path)

    def _destroy_quietly(self, context, record):
        try:
            self._destroy(context, record)
        except Exception:
            # Nothing is lost: the record stays in `pending`, for `sweep`.
            pass


class Index(object):
    """The directory of records, see the top of this file. Its methods raise MissingIndex."""

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
                # Objects may still have the known one. `sweep` destroys it when none has.
                _move(content, self._new_pending())
                os.rename(pending.path, content)
                self._sync('pending', 'contents')
            self._refer(module_data, given)
        return given

    def remove(self, module_data):
        """Remove the reference of an object, if there is one."""
        with self.locked():
            _unlink(self.join('references', module_data))
            self._sync('references')

    def unreferenced(self):
        """Return the records of contents that no object has, and that none can get any more."""
        with self._held() as lock:
            suspects = self._suspects()
            with self.locked():
                for name in suspects:
                    # No upload can share it from now on. The references, read next, tell what
                    # shares it already.
                    _move(self.join('contents', name), self._new_pending())
                records = self._abandoned()
                names = self._names('references')
            data = self._referenced(names)
            # If the volume was unmounted meanwhile, the references only seem to be deleted.
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
                # Closing alone does not unlock if a child that was forked meanwhile has it open.
                fcntl.flock(fd, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def _held(self):
        """For a `with`: open the file `lock`. While it is open the volume can't be unmounted."""
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
        """Give an object `content`, a Record with a key, in one step."""
        # One fixed name: only the holder of the lock writes, and a killed one leaves only one file.
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
        """Return the set of the module_data below in the references `names`."""
        return set(_data_of(self._reference(name)) for name in names)

    def _reference(self, name):
        # Strict: if it is damaged, its content must not be destroyed, nor its object look missing.
        return _read(self.join('references', name), strict=True)

    def _abandoned(self):
        """Return the records in `pending` that no process works on. The caller holds the lock."""
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
        """Return whether `contents` has it too, as in a backup that was made during a change."""
        return record.key is not None and _data_of(self.content(record.key)) == record.data

    def _names(self, part):
        return [name for name in os.listdir(self.join(part)) if re.match(PARTS[part], name)]

    def _new_pending(self):
        return self.join('pending', uuid.uuid4().hex)

    def _sync(self, *parts):
        """With `durable` return when the directories are on the disk."""
        for part in parts if self._durable else ():
            fd = self._open(part)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


class Record(object):
    """One file of the index.

    `data` is the module_data below. `key` and `size` are those of the content, None if unknown.
    """

    def __init__(self, path, data, key=None):
        self.path, self.data, self.key = path, data, key

    @property
    def size(self):
        return None if self.key is None else int(self.key.split('-')[1])


class Pending(Record):
    """The record of a content that is being stored. Until `release` a lock keeps `sweep` away."""

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
        """Add the key, once the content is stored."""
        self._add(key)
        self.key = key

    def release(self):
        os.close(self._fd)

    def _add(self, line):
        _write(self._fd, line + '\n', self.path, self._durable)


class _Hashing(object):
    """A stream that reads another one and hashes its bytes."""

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
        """Return the key of what was read, `<sha256>-<size>`: equal for equal contents only."""
        return '%s-%d' % (self._hash.hexdigest(), self._size)


def _require_id(module_data):
    # It becomes part of a path.
    if not re.match(PARTS['references'], module_data):
        raise ValueError('not a module_data of DeduplicatedStorage: %.80r' % (module_data,))


def _open(path, flags):
    return os.open(path, flags | getattr(os, 'O_CLOEXEC', 0), 0o600)


def _create(path):
    """Make the file `path`; return a descriptor to write it, never 0, 1 or 2.

    A host that has closed those may still write log lines to them.
    """
    low = []
    try:
        while True:
            fd = _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            if fd > 2:
                return fd
            # Another thread may have logged into this file already, so make another one. Keep this
            # descriptor open until then, so that the next one gets another number.
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

    (A killed writer leaves empty ones, and so may a power cut without `durable`.) Returns None for
    a damaged one as well, but raises EIO with `strict`.
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
    """Return whether a process works on the pending record, or has just removed it."""
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
