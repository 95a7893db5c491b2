"""The interface: what the platform calls, in terms of the store."""

from mezeo_fsstore import arguments, names
from mezeo_fsstore.compat import platform_base
from mezeo_fsstore.module_data import compose, parse
from mezeo_fsstore.root import Root
from mezeo_fsstore.store import Store

_UNKNOWN = {'total': -1, 'free': -1, 'used': -1}


class FilesystemStorage(platform_base()):
    """Keeps each object as a file under one directory, whole or not at all.

    :param root: absolute path of an existing directory; never created, because a missing one is
        most often a volume that is not mounted.
    :param durable: sync every change to the disk before the call returns. With false, objects are
        whole or absent while the machine runs; a power cut may lose, empty or damage recent ones.
    :param file_mode: permissions of object files, an octal string; exact, whatever the umask, where
        the filesystem keeps modes.
    :param dir_mode: permissions of the directories in the root, likewise. setgid is allowed, but
        Linux drops it, without an error, where this process is not in the group of the root.
    :param root_id: the id that `python -m mezeo_fsstore init` gave the root. Where another
        directory, or none, is mounted at `root`, nothing is written, deleted or called missing.
    :param digest: `'sha256'` keeps that digest of its content with each object, in the extended
        attribute `user.sha256`, where the filesystem has attributes; `'none'` keeps none. The
        default is sha256 if `durable`.
    :param verify_reads: whether a read from start to end raises DamagedObject in the place of the
        last bytes of an object that does not match its digest.

    Strings serve for every argument, as in an administrator's JSON.

    Raises ConfigurationError for an unusable argument, MissingRoot where `root` is no directory or
    the system refuses it.
    All methods are safe for any number of threads and processes over one root; none keeps
    anything open or in memory. Each ignores `context`. Each that takes `module_data` raises
    InvalidModuleData, before anything is touched, for a value that this class did not generate;
    a disk's error is the system's own exception, with errno and path.
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
        """Return the `module_data` of a new object, a `str`; nothing is touched or reserved."""
        return compose(names.new_object())

    def assign(self, context, module_data, stream):
        """Store all that `stream.read(size)` returns until it returns `b''`.

        Replaces earlier content in one step. On any error, the stream's too, that content stays
        as it was, but for the very last step: if the sync of the directory fails, the new content
        is there, whole, and may not survive a power cut. Raises TypeError for a stream that has no
        `read` or returns anything but bytes, StorageUnavailable where the root is missing or not
        the registered one.
        """
        self._store.write(parse(module_data), stream)

    def available(self, context, module_data):
        """Return True if the object is there, whole; False if it certainly is not.

        Raises StorageUnavailable where the root is missing or not the registered one: a False
        would make the platform copy every object anew.
        """
        return self._store.exists(parse(module_data))

    def get_read_stream(self, context, module_data):
        """Return a binary file of the object at position 0, which the caller closes.

        It has all that a file has, and keeps this content through a later `assign` or `delete`.
        With `verify_reads` it has no `fileno`, and a read that arrives at the end after all before
        it was read in order raises DamagedObject where the object is damaged.
        On Python 3 it has no buffer, so a `read` of more than 2 GiB may return less than asked for.
        Raises the system's error, ENOENT where there is no object, and StorageUnavailable where
        the root is missing or not the registered one.
        """
        return self._store.open(parse(module_data))

    def delete(self, context, module_data):
        """Remove the object; that it is gone already is no error.

        Raises StorageUnavailable where the root is missing or not the registered one.
        """
        self._store.delete(parse(module_data))

    def get_size(self, context, module_data):
        """Return the bytes of the object. Raises as `get_read_stream` does."""
        return self._store.size(parse(module_data))

    def statistics(self, context):
        """Return `capacity` (bytes) and `inodes`, each a dict of `total`, `free` and `used`.

        `free` is what this process may still use. All three are -1 where they can't be known.
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
    # A filesystem without a fixed number of inodes says that there are 0 (btrfs), or that as many
    # are free as a number can tell, which Python takes for -1 (CephFS).
    if total * unit <= 0 or not 0 <= free <= total:
        return dict(_UNKNOWN)
    return {'total': total * unit, 'free': free * unit, 'used': (total - free) * unit}
