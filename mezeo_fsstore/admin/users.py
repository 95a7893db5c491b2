"""Users and groups by name, which says more to an administrator than their number."""

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
    """Give up the superuser's rights for those of the user of this number and all his groups.

    `group` is his primary one if he has no entry among the users of this machine.
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
