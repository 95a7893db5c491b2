"""What Linux tells about other processes, below /proc."""

import os
import re


def children(parent):
    """Return a dictionary of the running children of a process: their ids and what they are called.

    That is the first word of the command line, which a server may change.
    """
    found = {}
    for name in os.listdir('/proc'):
        if name.isdigit() and _state(int(name))[1:] == (parent,) and is_running(int(name)):
            found[int(name)] = _read(int(name), 'cmdline').split('\0')[0].strip()
    return found


def is_running(process):
    """Return whether it is there and has not ended: one that nobody has waited for has."""
    return _state(process)[0] not in ('', 'Z', 'X')


def memory(process):
    """Return the memory of a process, in KiB."""
    return int(re.search(r'VmRSS:\s*([0-9]+) kB', _read(process, 'status')).group(1))


def descriptors(process):
    """Return what each open descriptor of a process leads to, in order.

    Raises OSError where the process has ended, or may not be looked into.
    """
    folder, found = '/proc/%d/fd' % process, []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, name)))
        except EnvironmentError:
            pass  # closed since it was listed
    return sorted(found)


def _state(process):
    """Return the letter of the state, and the parent; an empty letter where it has ended."""
    # The name, in brackets, may hold anything.
    fields = _read(process, 'stat').rpartition(')')[2].split()
    return (fields[0], int(fields[1])) if fields else ('', 0)


def _read(process, name):
    try:
        with open('/proc/%d/%s' % (process, name)) as source:
            return source.read()
    except EnvironmentError:
        return ''
