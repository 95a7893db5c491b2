"""`ls`: what lies in a root, one line for each object or other entry."""

import json
import sys

from mezeo_fsstore import disk
from mezeo_fsstore.admin import inventory
from mezeo_fsstore.admin.formats import counted, printable, utc
from mezeo_fsstore.admin.options import add_command, add_json, always
from mezeo_fsstore.admin.progress import meter
from mezeo_fsstore.admin.registration import root_of
from mezeo_fsstore.admin.terminal import fail
from mezeo_fsstore.errors import ConfigurationError
from mezeo_fsstore.module_data import compose

# json.dumps would make a new encoder for each line.
_to_json = json.JSONEncoder(sort_keys=True).encode


def add_commands(commands):
    """Add `ls` to the parser of the command line."""
    command = add_command(
        commands, ls,
        'List the objects: module_data, bytes, time of the last change (UTC), divided by tabs. '
        'Their number goes to standard error.',
        'Any such line serves as the MODULE_DATA of get, size and rm. What can not be read is a '
        'line on standard error and exit status 1; the list goes on.', reads=always)
    add_json(command,
             'print objects of JSON with path, size and mtime (seconds since 1970) instead')
    command.add_argument('--sha256', action='store_true', help=(
        'print a manifest instead, digest and path, that `sha256sum -c` takes in the root. What '
        'has no digest is left out and counted on standard error, and the exit status is 1'))
    command.add_argument('--foreign', action='store_true', help=(
        'list what is no object instead: kind, path (in JSON), bytes, time. The kind is temporary, '
        'for what writers have left; check, for what a check has left; quarantined, for a damaged '
        'object that scrub has moved; or else foreign'))


def ls(options):
    """Run `ls`: print a line for each object, or with --foreign for everything else."""
    if options.sha256 and (options.json or options.foreign):
        raise ConfigurationError('--sha256 goes with neither --json nor --foreign')
    root = root_of(options)
    failures = inventory.Failures(root)
    lines = Manifest(root, failures) if options.sha256 else Lines(root, options.json, failures)
    counts = dict.fromkeys(inventory.KINDS, 0)
    places = (inventory.places if options.foreign else inventory.shards)(root, failures)
    with meter('shard', total=len(places), beside=sys.stdout) as progress:
        for place in places:
            for entry in inventory.entries_in(root, place, failures):
                counts[entry.kind] += 1
                if (entry.kind != inventory.OBJECT) == options.foreign:
                    line = lines.of(entry)
                    # Empty texts would pile up in the buffer of the stream, which counts bytes.
                    if line:
                        sys.stdout.write(line)
            progress.update(1)
    # If the volume was unmounted meanwhile, the list only seems complete.
    root.require()
    sys.stdout.flush()
    sys.stderr.write(_summary(counts, options.foreign, failures.number))
    if options.sha256 and lines.without:
        return fail('%s without a digest: left out' % counted(lines.without, 'object'))
    return failures.status


def _summary(counts, foreign, failed):
    line = counted(counts[inventory.OBJECT], 'object')
    if foreign:
        found = [counted(counts[inventory.TEMPORARY], 'temporary', 'temporaries')]
        found += ['%d %s' % (counts[kind], words) for kind, words in (
            (inventory.LEFTOVER, 'left by check'), (inventory.QUARANTINED, 'quarantined'))
            if counts[kind]]
        line = '%s, %d foreign; %s' % (', '.join(found), counts[inventory.FOREIGN], line)
    if failed:
        line += '; %s: see above' % counted(failed, 'failure')
    return line + '\n'


class Manifest(object):
    """Makes the lines of a manifest, and counts the objects without a digest in `without`."""

    def __init__(self, root, failed):
        self._root, self._failed, self.without = root, failed, 0

    def of(self, entry):
        """Return the line for an object, or an empty text where there is no digest."""
        try:
            digest = inventory.digest_of(self._root.join(entry.path))
        except EnvironmentError as error:
            if not disk.has_vanished(error):
                self._failed(error)
            return ''
        self.without += digest is None
        return '' if digest is None else '%s  %s\n' % (digest, entry.path)


class Lines(object):
    """Makes the lines for the entries of `root`, in JSON or divided by tabs: `of(entry)`.

    `failed` is called with an error for each time that no calendar has, but not in JSON.
    """

    def __init__(self, root, as_json, failed):
        self.of = self._json if as_json else self._tabs
        self._root, self._failed = root, failed

    def _json(self, entry):
        fields = {'path': printable(entry.path), 'size': entry.status.st_size,
                  'mtime': entry.status.st_mtime}
        if entry.kind != inventory.OBJECT:
            fields['kind'] = entry.kind
        return _to_json(fields) + '\n'

    def _tabs(self, entry):
        if entry.kind == inventory.OBJECT:
            name = compose(entry.path)
        else:
            name = '%s\t%s' % (entry.kind, _to_json(printable(entry.path)))
        moment = utc(entry.status.st_mtime)
        if moment.startswith('@'):
            self._failed(EnvironmentError(
                None, 'no calendar has its time, %s seconds since 1970' % moment[1:],
                self._root.join(entry.path)))
        return '%s\t%d\t%s\n' % (name, entry.status.st_size, moment)
