"""What an administrator can do about missing rights in a root."""

import errno
import os
import re
import stat

from mezeo_fsstore.admin.users import group_name, user_name


def cure(number, path, root):
    """Return what to do about the errno `number`, EACCES or EPERM, at `path`.

    `path` is `root` or below it. Returns None if the root itself can not be looked at.
    """
    real, user = os.path.realpath(root), os.geteuid()
    closed = _closed_above(real)
    if closed:
        # Do not advise chmod of a folder above the root. Most often the volume is not mounted.
        return 'user %s may not pass %s: is the volume mounted? If it is, let that user pass' % (
            user_name(user), closed)
    try:
        owner = os.stat(real)
    except EnvironmentError:
        return None
    # The superuser gets EACCES only from a file server that takes him for another user.
    if user != owner.st_uid and (user or number == errno.EACCES):
        if owner.st_uid == 0:
            return 'the root belongs to root: chown it to the user of the server'
        return 'run this as user %s, who owns the root' % user_name(owner.st_uid)
    place = real
    for name in [''] + os.path.relpath(path, root).split('/'):
        place = os.path.normpath(os.path.join(place, name))
        needed = _what_lacks(place, owner)
        if needed:
            return '%s %s' % (needed, quoted(place))
    if number == errno.EPERM:
        return 'see lsattr -d %s, and that of its directory: what is immutable stays so' % (
            quoted(place))
    return 'its permissions allow that: see what else forbids it, such as SELinux or a file server'


def quoted(path):
    """Return `path` as a word for the shell."""
    if re.match(r'[\w@%+=:,./-]+\Z', path):
        return path
    return "'%s'" % path.replace("'", "'\\''")


def _what_lacks(path, owner):
    """Return the command, without the path, that lets the owner of the root use `path`.

    `owner` is the `os.stat` of the root. Returns None if nothing is wrong with `path`.
    """
    try:
        found = os.lstat(path)
    except EnvironmentError:
        return None
    is_directory = stat.S_ISDIR(found.st_mode)
    if found.st_uid != owner.st_uid:
        return 'chown %s%s:%s' % ('-R ' if is_directory else '', user_name(owner.st_uid),
                                  group_name(owner.st_gid))
    if ~found.st_mode & (stat.S_IRWXU if is_directory else stat.S_IRUSR):
        return 'chmod u+rwX'
    return None


def _closed_above(root):
    """Return the first folder above `root` that this user may not pass, None for none."""
    folder = '/'
    for name in root.split('/')[1:]:
        if not os.access(folder, os.X_OK):
            return folder
        folder = os.path.join(folder, name)
    return None
