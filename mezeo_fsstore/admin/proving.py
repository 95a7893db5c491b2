"""Proves one object: its content on the medium against its digest."""

import errno
import os

from mezeo_fsstore import disk
from mezeo_fsstore.admin.medium import digest_on_medium, new_room

WHOLE, DAMAGED, UNREADABLE, UNSTABLE, UNSIGNED = VERDICTS = (
    'whole', 'damaged', 'unreadable', 'unstable', 'without digest')

# What a disk that can't give the content answers. Past the filesystem's cache the words are the
# block layer's own: a bad sector, a failed check of protection data, a lost target.
_UNREADABLE_ERRORS = frozenset([errno.EIO, errno.ENODATA, errno.EILSEQ, errno.EREMOTEIO,
                                errno.EBADMSG, errno.EUCLEAN])


class NoDigest(Exception):
    """The attribute of an object holds something else than a digest."""


class Prover(object):
    """Proves objects, one after the other, in memory of its own.

    `spend(number)` is called for each so many bytes that were read. `direct` tells whether all were
    read past the page cache so far.
    """

    def __init__(self, spend):
        self._rooms, self._spend = (new_room(), new_room()), spend
        self.direct = True

    def prove(self, fd, path, sign):
        """Return the verdict on the object behind `fd`, at `path`, and whether it was signed now.

        With `sign` an object without a digest gets one. Raises NoDigest for an attribute that holds
        none, and the system's error for what says nothing about the content.
        """
        expected = disk.get_digest(fd, path)
        if expected is None and disk.digest_attribute(fd, path) is not None:
            raise NoDigest('%s: its attribute user.sha256 is no digest; it is left alone' % path)
        found = self._read(fd, path, 0)
        if found and (found == expected or expected is None and not sign):
            return (WHOLE if expected else UNSIGNED), False
        again = self._read(fd, path, 1)
        if found != again:
            return UNSTABLE, False
        if found is None:
            return UNREADABLE, False
        if expected:
            return DAMAGED, False
        disk.sign(fd, found, path)
        return WHOLE, True

    def _read(self, fd, path, room):
        """Return the digest of what the medium gives, None where it gives an error."""
        try:
            digest, direct = digest_on_medium(fd, self._rooms[room], self._spend)
        except EnvironmentError as error:
            if error.errno not in _UNREADABLE_ERRORS:
                error.filename = path
                raise
            return None
        self.direct = self.direct and direct
        return digest


def is_still_there(fd, path):
    """Return whether the file behind `fd` is at `path`: not replaced, and not removed."""
    try:
        return os.path.samestat(disk.status(fd, path), disk.status_of_name(path))
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
            raise
        return False
