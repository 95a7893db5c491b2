"""`sweep`: lists or removes what crashed writers, and a killed `check`, have left in a root."""

import argparse
import re
import sys
import time

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin import inventory
from mezeo_fsstore.admin.advice import explain
from mezeo_fsstore.admin.formats import counted
from mezeo_fsstore.admin.listing import Lines
from mezeo_fsstore.admin.marking import clock
from mezeo_fsstore.admin.options import add_command, add_registered
from mezeo_fsstore.admin.progress import meter
from mezeo_fsstore.admin.registration import root_of
from mezeo_fsstore.admin.terminal import warn
from mezeo_fsstore.root import Root

_SECONDS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}


def add_commands(commands):
    """Add `sweep` to the parser of the command line."""
    command = add_command(
        commands, sweep, 'List what crashed writers and a killed check have left.',
        'Age is told by the clock of the filesystem. Where that can not be asked, as on a '
        'read-only volume, the list goes by the clock of this machine, and --delete is refused.',
        reads=lambda options: not options.delete)
    add_registered(command)
    command.add_argument('--delete', action='store_true', help='remove them')
    command.add_argument('--older-than', metavar='AGE', type=_age, default='24h',
                         help='of this age only: a number and s, m, h or d (24h)')


def sweep(options):
    """Run `sweep`: print what is old and the bytes that it takes; remove it if told to."""
    root = root_of(options, as_owner=True)
    failures = inventory.Failures(root)
    swept = _Sweep(root, options, failures)
    places = inventory.places(root, failures)
    with meter('shard', total=len(places), beside=sys.stdout) as progress:
        for place in places:
            for entry in inventory.entries_in(root, place, failures):
                swept.look_at(entry)
            progress.update(1)
    # If the volume was unmounted meanwhile, it only seems that nothing is there.
    root.require()
    print(swept.summary())
    return failures.status


def _age(text):
    """Return the age in seconds, and `text`."""
    if not re.match(r'[0-9]{1,9}[smhd]\Z', text):
        raise argparse.ArgumentTypeError('expected a number and s, m, h or d, such as 90m')
    return int(text[:-1]) * _SECONDS[text[-1]], text


def _clock(root, required):
    """Return a function that returns the time of the root's filesystem, in seconds since 1970.

    Where the filesystem does not tell, raise the system's error if that clock is `required`. Else
    say so on standard error, and return the clock of this machine.
    """
    try:
        clock(root)
    except EnvironmentError as error:
        if required:
            raise
        warn('ages are told by the clock of this machine, not of the filesystem: %s'
             % explain(error, root.path))
        return time.time
    return lambda: clock(root)


class _Sweep(object):
    """Lists what is old in `root`, removes it with --delete, and counts."""

    def __init__(self, root, options, failures):
        self._root, self._delete, self._failures = root, options.delete, failures
        self._age, self._age_as_given = options.older_than
        self._clock = _clock(root, required=self._delete)
        self._started = self._clock()
        self._lines = Lines(root, options.json, failures)
        self._temporaries = self._leftovers = self._bytes = self._younger = self._ahead = 0

    def look_at(self, entry):
        """List the Entry, or remove it, if it is a temporary or leftover and old."""
        if entry.kind not in (inventory.TEMPORARY, inventory.LEFTOVER):
            return
        changed = entry.status.st_mtime
        if changed < self._started - self._age:
            if entry.kind == inventory.TEMPORARY:
                self._temporaries += self._take(entry)
            else:
                self._leftovers += self._take_leftover(entry)
        # It may be newer than the start of this run, so look at the clock again.
        elif changed <= self._started or changed <= self._clock():
            self._younger += 1
        else:
            self._ahead += 1

    def summary(self):
        """Return the line that says what was found and done."""
        found = [counted(self._temporaries, 'temporary', 'temporaries')]
        if self._leftovers:
            found.append(counted(self._leftovers, 'folder') + ' of check')
        found.append(counted(self._bytes, 'byte'))
        line = '%s: %s' % (', '.join(found), 'removed' if self._delete else
                           'would be removed with --delete')
        if self._younger:
            line += '; %d younger than %s kept' % (self._younger, self._age_as_given)
        if self._ahead:
            line += '; %d from the future kept: see ls --foreign' % self._ahead
        if self._failures.number:
            line += '; %s: see above' % counted(self._failures.number, 'failure')
        return line

    def _take(self, entry):
        """Return whether the file was removed, or would be."""
        if not self._removed(disk.remove, entry.path):
            return False
        self._bytes += entry.status.st_size
        sys.stdout.write(self._lines.of(entry))
        return True

    def _take_leftover(self, entry):
        """Return whether the small root of a `check` was removed whole, or would be."""
        failures_before = self._failures.number
        try:
            # With any id, so that its marker, which may be incomplete, is not read.
            small = Root(self._root.join(entry.path), root_id=entry.path)
            for place in inventory.shards(small, self._failures) + ['']:
                self._empty(small, place, entry.path)
        except EnvironmentError as error:
            self._failures(error)
        if self._failures.number > failures_before or not self._removed(
                disk.remove_directory, entry.path):
            return False
        sys.stdout.write(self._lines.of(entry))
        return True

    def _empty(self, small, place, path):
        """Take what `check` makes from a place in `small`, a `Root` that lies at `path`."""
        failures_before = self._failures.number
        for found in inventory.entries_in(small, place, self._failures):
            if found.kind in (inventory.OBJECT, inventory.TEMPORARY):
                self._take(inventory.Entry(
                    inventory.LEFTOVER, '%s/%s' % (path, found.path), found.status))
            else:
                self._failures(EnvironmentError(
                    None, 'it stays: check has made no such thing', small.join(found.path)))
        if self._failures.number > failures_before:
            return
        if place:
            self._removed(disk.remove_directory, '%s/%s' % (path, place))
        elif self._delete:
            disk.discard(small.join(names.MARKER))

    def _removed(self, remove, path):
        """With --delete remove what is at `path`. Return False if it failed or was gone already."""
        try:
            if self._delete:
                remove(self._root.join(path))
        except EnvironmentError as error:
            if not disk.has_vanished(error):
                self._failures(error)
            return False
        return True
