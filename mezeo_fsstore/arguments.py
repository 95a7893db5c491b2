"""The constructor's arguments, as Python values or as the strings of an administrator's JSON."""

import os
import re

from mezeo_fsstore.compat import integer_types, native_path, text_types
from mezeo_fsstore.errors import ConfigurationError
from mezeo_fsstore.root import ROOT_ID

_BOOLEANS = {'true': True, 'yes': True, 'on': True, '1': True,
             'false': False, 'no': False, 'off': False, '0': False}

_OCTAL = re.compile(r'(0o?)?[0-7]{3,4}\Z')


def refuse_unknown(arguments):
    """Raise ConfigurationError if the dictionary `arguments` holds any."""
    for name in sorted(arguments):
        # On Python 2 a name from JSON that is not ASCII would make a message that is no `str`.
        shown = name.encode('ascii', 'backslashreplace').decode('ascii')
        raise ConfigurationError(
            'argument %s (%.200r) is unknown: expected one of root, durable, file_mode, dir_mode, '
            'root_id, digest, verify_reads' % (shown, arguments[name]))


def absolute_path(name, value):
    """Return `value` as a path for the system. It must be absolute; nothing is looked up."""
    accepted = 'the absolute path of an existing directory'
    if not isinstance(value, text_types) or not os.path.isabs(value) or '\0' in value:
        raise _unusable(name, value, accepted)
    try:
        return native_path(value)
    except UnicodeError:
        raise _unusable(name, value, accepted)


def boolean(name, value):
    """Return `value` as a bool: it is one, or a word or number of `_BOOLEANS`."""
    if isinstance(value, integer_types):
        value = str(value)
    if not isinstance(value, text_types) or value.lower() not in _BOOLEANS:
        raise _unusable(name, value, 'true or false')
    return _BOOLEANS[value.lower()]


def mode(name, value, least, most):
    """Return the octal string `value` as permission bits.

    It must have all bits of `least` and none that `most` lacks. A number is refused: a JSON file
    has no octal numbers, so its 400 would be 0620.
    """
    bits = -1
    if isinstance(value, text_types) and _OCTAL.match(value):
        bits = int(value, 8)
    if bits & ~most or bits & least != least:
        raise _unusable(name, value, "an octal string from '%04o' to '%04o', such as '%04o'"
                        % (least, most, least | 0o040))
    return bits


def digest(name, value, durable):
    """Return whether objects get a digest: `value` is sha256 or none, by default as `durable`."""
    if value is None:
        return durable
    if value not in ('sha256', 'none'):
        raise _unusable(name, value, "'sha256' or 'none'")
    return value == 'sha256'


def root_id(name, value):
    """Return `value` as a native `str`, or None for None: the id that `init` prints."""
    if value is None:
        return None
    if not isinstance(value, text_types) or not ROOT_ID.match(value):
        raise _unusable(name, value, 'the 32 hexadecimal digits that '
                        '`python -m mezeo_fsstore init` prints')
    return str(value)


def _unusable(name, value, accepted):
    shown = 'missing' if value is None else '%.200r' % (value,)
    return ConfigurationError('argument %s is %s: expected %s' % (name, shown, accepted))
