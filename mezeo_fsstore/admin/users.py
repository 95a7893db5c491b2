"""Names of users and groups, and becoming another user."""

import grp
import os
import pwd


def user_name(number):
    """Return the name of the user `number`, or the number as text where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number):
    """Return the name of the group `number`, or the number as text where it has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def become(user, group):
    """Become the user with the number `user`, with all his groups. Only the superuser can do this.

    `group` is used if this machine does not know the user. It can not be undone.
    """
    try:
        entry = pwd.getpwuid(user)
    except KeyError:
        os.setgroups([])
    else:
        group = entry.pw_gid
        os.initgroups(entry.pw_name, group)
    os.setgid(group)
    os.setuid(user)
