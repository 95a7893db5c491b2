"""The form of `module_data`: JSON whose `path` is the object's path, relative to the root."""

import json
import re

from mezeo_fsstore import names
from mezeo_fsstore.compat import text_types
from mezeo_fsstore.errors import InvalidModuleData

_OURS = re.compile(r'\{"path": "(%s)"\}\Z' % names.OBJECT)

# Characters, ten times what we generate. Deeply nested JSON needs stack: 4,096 brackets overflow
# the 512 KiB of a thread, and end the process.
MAX_LENGTH = 512


def compose(path):
    """Return the `module_data` of the object at `path`, a native `str`."""
    return '{"path": "%s"}' % path


def parse(module_data):
    """Return the path that `module_data` holds, relative to the root, as a native `str`.

    Raises InvalidModuleData unless it is text with a JSON object whose `path` this module could
    have generated; other keys are ignored.
    """
    if isinstance(module_data, text_types):
        # Nearly always it is exactly what `compose` returned; no JSON parser is needed then.
        spelled = _OURS.match(module_data)
        if spelled:
            return str(spelled.group(1))
    else:
        raise _invalid(module_data, 'is not text')
    if len(module_data) > MAX_LENGTH:
        raise _invalid(module_data, 'is longer than %d characters' % MAX_LENGTH)
    try:
        fields = json.loads(module_data)
    except (ValueError, RuntimeError):  # RuntimeError: nested too deeply
        raise _invalid(module_data, 'is not JSON')
    path = fields.get('path') if isinstance(fields, dict) else None
    if not isinstance(path, text_types) or not names.is_object(path):
        raise _invalid(module_data, 'holds no path of an object')
    return str(path)


def _invalid(module_data, problem):
    # The slice comes first: the repr of a huge value would take long.
    shown = repr(module_data[:80] if isinstance(module_data, text_types) else type(module_data))
    return InvalidModuleData(
        'module_data %s %s; expected what new_data() or put() returned: '
        '{"path": "<3 hex digits>/<32 hex digits>"}' % (shown, problem))
