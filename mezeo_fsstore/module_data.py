"""The form of `module_data`: a JSON object whose `path` is `<shard>/<name>`, relative to the root.

The name is 128 random bits; the shard is one of 4,096 directories, which keeps each below 25,000
entries at 10^8 objects. An object is always found by the path in its `module_data`, never by a
rule, so the choice of shards may change without touching what is stored.
"""

import binascii
import json
import os
import re

from mezeo_fsstore.compat import text_types
from mezeo_fsstore.errors import InvalidModuleData

# Nothing that we generate is near it; it bounds what a hostile value can cost.
MAX_LENGTH = 4096

# No dot, so neither a temporary nor the marker; no leading slash, no `..`, no NUL.
_PATH = re.compile(r'[0-9a-f]{3}/[0-9a-f]{32}\Z')


def random_hex(size):
    """Return `size` random bytes in hexadecimal, unlike any of other threads, forks or nodes."""
    return str(binascii.hexlify(os.urandom(size)).decode('ascii'))


def generate():
    """Return the `module_data` of a new object, a native `str`. Nothing is reserved on disk."""
    name = random_hex(16)
    return '{"path": "%s/%s"}' % (name[:3], name)


def parse(module_data):
    """Return the path that `module_data` holds, relative to the root, as a native `str`.

    Raises InvalidModuleData unless it is text with a JSON object whose `path` this module could
    have generated; other keys are ignored.
    """
    if not isinstance(module_data, text_types):
        raise _invalid(module_data, 'is not text')
    if len(module_data) > MAX_LENGTH:
        raise _invalid(module_data, 'is longer than %d characters' % MAX_LENGTH)
    try:
        fields = json.loads(module_data)
    except (ValueError, RuntimeError):  # RuntimeError: nested too deeply
        raise _invalid(module_data, 'is not JSON')
    path = fields.get('path') if isinstance(fields, dict) else None
    if not isinstance(path, text_types) or not _PATH.match(path):
        raise _invalid(module_data, 'holds no path of an object')
    return str(path)


def _invalid(module_data, problem):
    # The slice is taken first: the repr of a huge value would cost what its length says.
    shown = repr(module_data[:80] if isinstance(module_data, text_types) else type(module_data))
    return InvalidModuleData(
        'module_data %s %s; expected what new_data() or put() returned: '
        '{"path": "<3 hex digits>/<32 hex digits>"}' % (shown, problem))
