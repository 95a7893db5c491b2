"""`scrub`: reads every object from the medium and compares it with its digest."""

import argparse
import json
import re
import sys

from mezeo_fsstore import disk, names
from mezeo_fsstore.admin import inventory
from mezeo_fsstore.admin.formats import counted, in_units, printable, utc
from mezeo_fsstore.admin.mounts import mount_of
from mezeo_fsstore.admin.options import add_command, add_json, add_registered
from mezeo_fsstore.admin.pace import Pace
from mezeo_fsstore.admin.progress import meter
from mezeo_fsstore.admin.proving import (
    DAMAGED, UNREADABLE, UNSTABLE, VERDICTS, WHOLE, NoDigest, Prover, is_still_there)
from mezeo_fsstore.admin.quarantine import Quarantine, Refused
from mezeo_fsstore.admin.registration import root_of
from mezeo_fsstore.admin.terminal import say
from mezeo_fsstore.module_data import compose

_PARTS = 4096

# Bytes that each object counts more than its size for --rate: to open it a disk moves its head.
_EACH = 128 * 1024

_UNITS = {'': 1, 'K': 1024, 'M': 1024 ** 2, 'G': 1024 ** 3}

# Filesystems whose direct reads come from the medium. Others may accept them and use their caches.
_LOCAL = ('ext2', 'ext3', 'ext4', 'xfs', 'btrfs')


def add_commands(commands):
    """Add `scrub` to the parser of the command line."""
    command = add_command(
        commands, scrub,
        'Read every object from the medium and compare it with its digest. Print what is damaged: '
        'verdict, module_data, bytes, time of the last change (UTC), divided by tabs.',
        'Verdicts: damaged, twice the same wrong content; unreadable, twice an error of the disk; '
        'unstable, not twice the same (suspect memory, cable or controller). Each of them is a '
        'failure. It keeps no state: let cron divide the work by --part.')
    add_registered(command)
    command.add_argument('--part', metavar='K/N', type=_part, default=(1, 1),
                         help='part K of N only, N from 1 to 4096: an object never changes its '
                              'part')
    command.add_argument('--rate', metavar='BYTES', type=_rate,
                         help='read at most so many bytes a second; K, M or G may follow')
    command.add_argument('--sign', action='store_true',
                         help='give a digest to objects that have none')
    command.add_argument('--quarantine', action='store_true',
                         help='move damaged and unreadable objects to .mezeo_fsstore.quarantine, '
                              'so that the platform copies them here anew')
    command.add_argument('--most', metavar='NUMBER', type=_number, default=16,
                         help='move at most so many, as more are a broken machine (16)')
    add_json(command, 'print objects of JSON with verdict, path, size, mtime and quarantined, and '
                      'a summary at the end')


def scrub(options):
    """Run `scrub`: print a line for each bad object; return 1 if there is one, or a failure."""
    root = root_of(options, as_owner=True)
    failures = inventory.Failures(root)
    work = _Scrub(root, options, failures)
    if options.quarantine:
        work.put_back_what_is_whole()
    shards = inventory.shards(root, failures, options.part)
    with meter('shard', total=len(shards), beside=sys.stdout) as progress:
        for shard in shards:
            for entry in inventory.entries_in(root, shard, failures):
                if entry.kind == inventory.OBJECT:
                    work.look_at(entry.path)
            progress.update(1)
    # A volume that was unmounted on the way looks like the end of the list.
    root.require()
    work.print_summary()
    return 1 if failures.number or work.has_found_damage() else 0


class _Scrub(object):
    """One run: it proves objects, moves bad ones, prints and counts what it finds."""

    def __init__(self, root, options, failures):
        self._root, self._options, self._failed = root, options, failures
        self._pace = Pace(options.rate)
        self._prover = Prover(self._pace.spend)
        self._quarantine, self._moved = Quarantine(root), 0
        self._counts = dict.fromkeys(VERDICTS, 0)
        self._signed = self._bytes = 0

    def look_at(self, path):
        """Prove the object at `path`, relative to the root; move it if wanted; print it if bad."""
        full = self._root.join(path)
        try:
            fd = disk.open_to_read(full)
            try:
                self._pace.spend(_EACH)
                verdict, signed = self._prover.prove(fd, full, self._options.sign)
                status = disk.status(fd, full)
                bad = verdict in (DAMAGED, UNREADABLE, UNSTABLE)
                moved = bad and verdict != UNSTABLE and self._move(path, fd, full)
                if bad and not moved and not is_still_there(fd, full):
                    return  # it was replaced or removed meanwhile
            finally:
                disk.release(fd)
        except (EnvironmentError, NoDigest) as error:
            self._skip(error)
            return
        self._counts[verdict] += 1
        self._bytes += status.st_size
        self._signed += signed
        if bad:
            self._print(verdict, path, status, moved)

    def _move(self, path, fd, full):
        """Move an object to quarantine, where that is asked for; return whether it was moved."""
        if not self._options.quarantine or self._moved >= self._options.most:
            return False
        if not is_still_there(fd, full):
            return False
        try:
            moved = self._quarantine.take(path, fd)
        except (EnvironmentError, Refused) as error:
            self._failed(error)
            return False
        self._moved += moved
        return moved

    def put_back_what_is_whole(self):
        """Put back each object in quarantine that proves whole: a killed run may have left it."""
        for place in inventory.quarantine(self._root, self._failed):
            for entry in inventory.entries_in(self._root, place, self._failed):
                if entry.kind == inventory.QUARANTINED:
                    self._put_back(entry.path)

    def _put_back(self, path):
        full = self._root.join(path)
        try:
            fd = disk.open_to_read(full)
            try:
                whole = self._prover.prove(fd, full, sign=False)[0] == WHOLE
            finally:
                disk.release(fd)
            if whole and self._quarantine.put_back(names.of_quarantined(path)):
                say('put back, as it proves whole: %s' % printable(full))
        except (EnvironmentError, NoDigest) as error:
            self._skip(error)

    def _skip(self, error):
        # What has vanished since it was listed is no failure.
        if not (isinstance(error, EnvironmentError) and disk.has_vanished(error)):
            self._failed(error)

    def has_found_damage(self):
        """Return whether any object was damaged, unreadable or unstable."""
        return any(self._counts[verdict] for verdict in (DAMAGED, UNREADABLE, UNSTABLE))

    def _print(self, verdict, path, status, moved):
        if self._options.json:
            line = json.dumps({'verdict': verdict, 'path': path, 'size': status.st_size,
                               'mtime': status.st_mtime, 'quarantined': moved}, sort_keys=True)
        else:
            columns = [verdict, compose(path), str(status.st_size), utc(status.st_mtime)]
            line = '\t'.join(columns + ['quarantined'] * moved)
        sys.stdout.write(line + '\n')
        # The run may take days, and the reader must see what is found at once.
        sys.stdout.flush()

    def print_summary(self):
        """Print the last line: what was read, and the number of each verdict."""
        mount = mount_of(self._root.path)
        from_medium = self._prover.direct and mount is not None and mount.kind in _LOCAL
        objects, elapsed = sum(self._counts.values()), self._pace.elapsed()
        if self._options.json:
            summary = dict((verdict.replace(' ', '_'), self._counts[verdict])
                           for verdict in VERDICTS)
            summary.update(objects=objects, bytes=self._bytes, seconds=round(elapsed, 3),
                           quarantined=self._moved, signed=self._signed, from_medium=from_medium)
            sys.stdout.write(json.dumps({'summary': summary}, sort_keys=True) + '\n')
            return
        sys.stdout.write('%s, %s in %.0f s%s: %s%s\n' % (
            counted(objects, 'object'), in_units(self._bytes), elapsed,
            '' if from_medium else ', as the filesystem served it',
            ', '.join('%d %s' % (self._counts[verdict], verdict) for verdict in VERDICTS),
            ', %d signed now' % self._signed if self._options.sign else ''))


def _part(text):
    match = re.match(r'([0-9]{1,4})/([0-9]{1,4})\Z', text)
    part, parts = [int(number) for number in match.groups()] if match else (0, 0)
    if not 1 <= part <= parts <= _PARTS:
        raise argparse.ArgumentTypeError('expected K/N, such as 3/30, with N from 1 to 4096 and K '
                                         'from 1 to N')
    return part, parts


def _rate(text):
    match = re.match(r'([0-9]{1,15})([KMG]?)\Z', text)
    rate = int(match.group(1)) * _UNITS[match.group(2)] if match else 0
    if rate == 0:
        raise argparse.ArgumentTypeError('expected a number of bytes, such as 50M')
    return rate


def _number(text):
    if not re.match(r'[0-9]{1,9}\Z', text):
        raise argparse.ArgumentTypeError('expected a number')
    return int(text)
