"""Proves an object: compares its content on the medium with its digest."""

import errno
import os

from mezeo_fsstore import disk
from mezeo_fsstore.admin.medium import digest_on_medium, new_room

WHOLE, DAMAGED, UNREADABLE, UNSTABLE, UNSIGNED = VERDICTS = (
    'whole', 'damaged', 'unreadable', 'unstable', 'without digest')

# The errors that mean: the disk can't give the content. Direct reads get the errors of the block
# layer: a bad sector, a failed check of protection data, a lost target.
_UNREADABLE_ERRORS = frozenset([errno.EIO, errno.ENODATA, errno.EILSEQ, errno.EREMOTEIO,
                                errno.EBADMSG, errno.EUCLEAN])


class NoDigest(Exception):
    """The attribute of an object has a value that is no digest."""


class Prover(object):
    """Proves objects, one after the other, in its own memory.

    `spend(number)` is called after each read, with its number of bytes. `direct` tells whether all
    reads so far went past the page cache.
    """

    def __init__(self, spend):
        self._rooms, self._spend = (new_room(), new_room()), spend
        self.direct = True

    def prove(self, fd, path, sign):
        """Return the verdict on the object behind `fd`, at `path`, and whether it was signed now.

        `path` is its full path. With `sign` an object without a digest gets one. Raises NoDigest
        for an attribute that holds none, and the system's errors that are no verdict.
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
        """Return the digest of the content on the medium, None if the disk can't give that."""
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
    """Return whether `path` is still the file behind `fd`: neither replaced nor removed."""
    try:
        return os.path.samestat(disk.status(fd, path), disk.status_of_name(path))
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
            raise
        return False
