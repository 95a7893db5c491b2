"""The constructor's arguments, as Python values or as the strings of an administrator's JSON.

Each function raises ConfigurationError, with the name, the value and the accepted form.
"""

import os
import re

from mezeo_fsstore.compat import integer_types, native_path, text_types
from mezeo_fsstore.errors import ConfigurationError
from mezeo_fsstore.root import ROOT_ID

_BOOLEANS = {'true': True, 'yes': True, 'on': True, '1': True,
             'false': False, 'no': False, 'off': False, '0': False}

_OCTAL = re.compile(r'(0o?)?[0-7]{3,4}\Z')


def refuse_unknown(arguments):
    """Raise ConfigurationError unless the dictionary `arguments` is empty."""
    for name in sorted(arguments):
        # On Python 2 a `unicode` name that is not ASCII would make the message `unicode`.
        shown = name.encode('ascii', 'backslashreplace').decode('ascii')
        raise ConfigurationError(
            'argument %s (%.200r) is unknown: expected one of root, durable, file_mode, dir_mode, '
            'root_id, digest, verify_reads' % (shown, arguments[name]))


def absolute_path(name, value):
    """Return `value`, an absolute path, as a `str` for system calls. The disk is not asked."""
    accepted = 'the absolute path of an existing directory'
    if not isinstance(value, text_types) or not os.path.isabs(value) or '\0' in value:
        raise _unusable(name, value, accepted)
    try:
        return native_path(value)
    except UnicodeError:
        raise _unusable(name, value, accepted)


def boolean(name, value):
    """Return `value` as a bool. It is a bool, 0, 1, or a word of `_BOOLEANS` in any case."""
    if isinstance(value, integer_types):
        value = str(value)
    if not isinstance(value, text_types) or value.lower() not in _BOOLEANS:
        raise _unusable(name, value, 'true or false')
    return _BOOLEANS[value.lower()]


def mode(name, value, least, most):
    """Return the octal string `value` as permission bits.

    All bits of `least` must be set, and only bits of `most`. A number is refused: JSON has no octal
    numbers, so 400 there would mean 0620.
    """
    bits = -1
    if isinstance(value, text_types) and _OCTAL.match(value):
        bits = int(value, 8)
    if bits & ~most or bits & least != least:
        raise _unusable(name, value, "an octal string from '%04o' to '%04o', such as '%04o'"
                        % (least, most, least | 0o040))
    return bits


def digest(name, value, durable):
    """Return whether objects get a digest. `value` is sha256, none, or None: then as `durable`."""
    if value is None:
        return durable
    if value not in ('sha256', 'none'):
        raise _unusable(name, value, "'sha256' or 'none'")
    return value == 'sha256'


def root_id(name, value):
    """Return `value`, the id that `init` prints, as a native `str`; None for None."""
    if value is None:
        return None
    if not isinstance(value, text_types) or not ROOT_ID.match(value):
        raise _unusable(name, value, 'the 32 hexadecimal digits that '
                        '`python -m mezeo_fsstore init` prints')
    return str(value)


def _unusable(name, value, accepted):
    shown = 'missing' if value is None else '%.200r' % (value,)
    return ConfigurationError('argument %s is %s: expected %s' % (name, shown, accepted))
