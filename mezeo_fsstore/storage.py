"""The methods that the platform calls. The store does the work."""

from mezeo_fsstore import arguments, names
from mezeo_fsstore.compat import platform_base
from mezeo_fsstore.module_data import compose, parse
from mezeo_fsstore.root import Root
from mezeo_fsstore.store import Store

_UNKNOWN = {'total': -1, 'free': -1, 'used': -1}


class FilesystemStorage(platform_base()):
    """Keeps each object as a file below one directory. An object is whole, or not there.

    :param root: absolute path of an existing directory; never created, because a missing one is
        most often a volume that is not mounted.
    :param durable: sync every change to the disk before the call returns. With false, objects are
        whole or absent while the machine runs; a power cut may lose, empty or damage recent ones.
    :param file_mode: permissions of object files, an octal string; exact, whatever the umask, where
        the filesystem keeps modes.
    :param dir_mode: permissions of the directories in the root, likewise. setgid is allowed, but
        Linux drops it, without an error, if this process is not in the group of the directory.
    :param root_id: the id that `python -m mezeo_fsstore init` gave the root. If another volume, or
        none, is mounted at `root`, nothing is written or deleted, and no object is called missing.
        The default is the id in the marker that is there now; without a marker nothing is checked.
    :param digest: `'sha256'` keeps that digest of its content with each object, in the extended
        attribute `user.sha256`, where the filesystem has attributes; `'none'` keeps none. The
        default is sha256 if `durable`.
    :param verify_reads: whether a read from start to end raises DamagedObject instead of returning
        the last bytes, if the object does not match its digest.

    Every argument may be a string, as in an administrator's JSON.

    Raises ConfigurationError for an unusable argument, MissingRoot where `root` is no directory or
    the system refuses it. Without `root_id` a damaged marker raises StorageUnavailable, and one
    that can't be read raises the system's error.

    All methods are safe for any number of threads and processes over one root. No method keeps
    anything open (but the stream that it returns) or in memory. All ignore `context`. Each that
    takes `module_data` raises InvalidModuleData, before anything is touched, for a value that this
    class could not have generated. A disk's error is the system's own exception, with errno and
    path.
    """

    def __init__(self, root=None, durable=True, file_mode='0600', dir_mode='0700', root_id=None,
                 digest=None, verify_reads=False, **unknown):
        super(FilesystemStorage, self).__init__()
        arguments.refuse_unknown(unknown)
        path = arguments.absolute_path('root', root)
        durable = arguments.boolean('durable', durable)
        options = (durable,
                   arguments.mode('file_mode', file_mode, least=0o400, most=0o777),
                   arguments.mode('dir_mode', dir_mode, least=0o700, most=0o2777),
                   arguments.digest('digest', digest, durable),
                   arguments.boolean('verify_reads', verify_reads))
        root_id = arguments.root_id('root_id', root_id)
        self._store = Store(Root(path, root_id), *options)

    def new_data(self, context):
        """Return the `module_data` of a new object, a `str`. Nothing is done on the disk."""
        return compose(names.new_object())

    def assign(self, context, module_data, stream):
        """Store all that `stream.read(size)` returns until it returns `b''`.

        Replaces earlier content in one step, the rename. On an error before it, also one of the
        stream, the earlier content stays. On an error from the rename on (the sync of the directory
        fails) the new content may be there, whole, and may not survive a power cut.

        Raises the stream's own exception; TypeError for a stream that has no `read` or returns
        anything but bytes or a bytearray; StorageUnavailable where the root is missing or not the
        registered one; the system's error.
        """
        self._store.write(parse(module_data), stream)

    def available(self, context, module_data):
        """Return True if the object is there, whole; False if it certainly is not.

        Raises StorageUnavailable where the root is missing or not the registered one, because a
        False would make the platform copy every object again. Raises the system's error where the
        disk does not tell. The content is not read, so damage is not seen.
        """
        return self._store.exists(parse(module_data))

    def get_read_stream(self, context, module_data):
        """Return a binary file of the object at position 0, which the caller closes.

        It has the methods of a binary file, and keeps this content through a later `assign` or
        `delete`. With `verify_reads` an object that has a digest is hashed while it is read in
        order from the start: if it is damaged, the read that reaches the end raises DamagedObject.
        Such a stream has no `fileno`. On Python 3 there is no buffer, so a `read` of more than
        2 GiB may return less than asked for.

        Raises the system's error: ENOENT where there is no object, EINVAL where no regular file is
        in its place. Raises StorageUnavailable where there is no object and the root is missing or
        not the registered one.
        """
        return self._store.open(parse(module_data))

    def delete(self, context, module_data):
        """Remove the object. If it is gone already, that is no error.

        Raises StorageUnavailable where the root is missing or not the registered one, and the
        system's error.
        """
        self._store.delete(parse(module_data))

    def get_size(self, context, module_data):
        """Return the number of bytes of the object. Raises as `get_read_stream` does."""
        return self._store.size(parse(module_data))

    def statistics(self, context):
        """Return `capacity` (bytes) and `inodes`, each a dict of `total`, `free` and `used`.

        `free` is what this process may still use. All three are -1 where they can't be known, also
        where the root is missing: no error of the disk is raised.
        """
        try:
            volume = self._store.capacity()
        except EnvironmentError:
            return {'capacity': dict(_UNKNOWN), 'inodes': dict(_UNKNOWN)}
        return {'capacity': _usage(volume.f_blocks, volume.f_bavail, volume.f_frsize),
                'inodes': _usage(volume.f_files, volume.f_favail)}

    def put(self, context, stream):
        """Store `stream` as a new object and return its `module_data` (2012 revision).

        Raises as `assign` does.
        """
        module_data = self.new_data(context)
        self.assign(context, module_data, stream)
        return module_data

    def capabilities(self, context):
        """Return the CDMI capabilities that this module adds: none (2012 revision)."""
        return {}


def _usage(total, free, unit=1):
    # A filesystem without a fixed number of inodes says that there are 0 (btrfs), or that the
    # largest number is free, which Python takes for -1 (CephFS).
    if total * unit <= 0 or not 0 <= free <= total:
        return dict(_UNKNOWN)
    return {'total': total * unit, 'free': free * unit, 'used': (total - free) * unit}
