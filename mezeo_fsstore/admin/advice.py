"""What an administrator can do about an error."""

import errno

_CURES = {
    errno.EACCES: 'run this as the owner of the root, or correct its owner with chown -R',
    errno.EPERM: 'run this as the owner of the root, or correct its owner with chown -R',
    errno.EROFS: 'the volume is read-only: look for its fault in the kernel log, then remount it',
    errno.ENOSPC: 'no space or no inodes are left: see df; sweep removes what crashes have left',
    errno.EDQUOT: 'the quota is used up: raise it; sweep removes what crashes have left',
    errno.EFBIG: 'the filesystem, or a limit of this process, allows no file of that size',
    errno.EIO: 'the disk fails: look for its fault in the kernel log',
    errno.ESTALE: 'the server exports another volume now: unmount and mount it again',
    errno.ENOTCONN: 'the servers of the volume are out of reach, or its mount here has died: '
                    'start them, or unmount it and mount it again',
    errno.ESHUTDOWN: 'the cluster has shut this machine out: unmount the volume, mount it again',
    errno.ENOENT: 'there is no such thing: ls lists the objects',
    errno.ENOTDIR: 'something else stands in its place: see ls --foreign',
    errno.EISDIR: 'something else stands in its place: see ls --foreign',
    errno.ELOOP: 'something else stands in its place: see ls --foreign',
    errno.EINVAL: 'something else stands in its place: see ls --foreign',
    errno.EMFILE: 'too many files are open: raise the limit of this process (ulimit -n)',
    errno.ENFILE: 'too many files are open: raise the limit of the machine (fs.file-max)',
}


def explain(error):
    """Return one line: what the exception `error` is and, where that is known, what to do."""
    text = ' '.join(str(error).split()) or type(error).__name__
    cure = _CURES.get(getattr(error, 'errno', None))
    return '%s (%s)' % (text, cure) if cure else text
