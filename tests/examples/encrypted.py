"""A storage module that encrypts the objects of another one. An example, to read and to copy.

    {"module": "newstore.encrypted.EncryptedStorage", "label": "Encrypted",
     "args": {"module": "Files", "key": "<64 hexadecimal digits>"}}

What lies in the module below, for each object:

    header   'MZE1' (the version of this form), then 32 random bytes
    chunks   each is 64 KiB encrypted by AES-256-GCM, and 16 bytes longer than that; the last one
             may be shorter; an empty object has one chunk too

The key of an object is HMAC-SHA256(master key, header + module_data). So no two objects share a
key, and what was stored as one object can't be decrypted as another, nor under another version.
The nonce of a chunk is its number and whether it is the last: chunks that were moved, removed,
added or cut no longer decrypt. To read a range only the chunks of that range are decrypted.

What it does not do: hide the size of objects, notice that a whole object was replaced by its own
earlier content, change the master key. `get_size` trusts the size that the module below returns;
only reading verifies it.
"""

# Or Python 2 looks for `newstore` in the package `newstore`.
from __future__ import absolute_import

import base64
import binascii
import errno
import hashlib
import hmac
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modules import StorageModule
from tests.examples.below import module_below

VERSION = b'MZE1'
HEADER = len(VERSION) + 32
CHUNK = 64 * 1024
TAG = 16
SEALED = CHUNK + TAG

# The number of tries to open an object that is replaced meanwhile.
TRIES = 20


class DamagedObject(EnvironmentError):
    """The stored bytes are not those that were written, or the key is another. `errno` is EIO."""

    def __init__(self, problem):
        super(DamagedObject, self).__init__(
            errno.EIO, 'the object is damaged, was exchanged, or has another key: ' + problem)


class EncryptedStorage(StorageModule):
    """Encrypts the objects of another module.

    :param module: the name under which that module is registered.
    :param key: 32 random bytes, in hexadecimal or base64. Without them the objects are lost.

    `module_data` is that of the other module. Its errors are passed on. What can't be decrypted
    raises DamagedObject, an unusable argument ValueError.
    """

    def __init__(self, module=None, key=None):
        super(EncryptedStorage, self).__init__()
        if not module:
            raise ValueError('argument module is missing: expected the name of another module')
        self._module = module
        self._key = _parse_key(key)

    def new_data(self, context):
        return self._below(context).new_data(context)

    def assign(self, context, module_data, stream):
        header = VERSION + os.urandom(HEADER - len(VERSION))
        cipher = self._cipher(header, module_data)
        self._below(context).assign(context, module_data, _Encrypting(header, cipher, stream))

    def available(self, context, module_data):
        """Return True if the object is there and its size is possible. It is not decrypted."""
        below = self._below(context)
        if not below.available(context, module_data):
            return False
        try:
            _plain_size(below.get_size(context, module_data))
        except DamagedObject:
            # Then the platform copies it here again.
            return False
        return True

    def get_read_stream(self, context, module_data):
        """Return a stream over the decrypted bytes. Raises DamagedObject, as its reads do."""
        below = self._below(context)
        for _ in range(TRIES):
            size = below.get_size(context, module_data)
            stream = below.get_read_stream(context, module_data)
            try:
                # It may have been replaced since `get_size`, by one of another size.
                if _ends_at(stream, size):
                    return self._decrypting(stream, size, module_data)
            except:
                stream.close()
                raise
            stream.close()
        raise DamagedObject('its size is not %d bytes' % size)

    def delete(self, context, module_data):
        self._below(context).delete(context, module_data)

    def get_size(self, context, module_data):
        return _plain_size(self._below(context).get_size(context, module_data))

    def statistics(self, context):
        return self._below(context).statistics(context)

    def put(self, context, stream):
        # Not the put below: what is written depends on the module_data.
        module_data = self.new_data(context)
        self.assign(context, module_data, stream)
        return module_data

    def capabilities(self, context):
        below = getattr(self._below(context), 'capabilities', None)
        return dict(below(context) if below else {}, cdmi_encryption=['AES_GCM_256'])

    def _below(self, context):
        return module_below(context, self._module)

    def _decrypting(self, stream, size, module_data):
        plain_size = _plain_size(size)
        stream.seek(0)
        header = _read_fully(stream, HEADER)
        if not header.startswith(VERSION):
            raise DamagedObject('it does not begin with %r' % VERSION)
        return DecryptingReader(stream, plain_size, self._cipher(header, module_data))

    def _cipher(self, header, module_data):
        # The header has a fixed length, so no two pairs give the same bytes.
        name = module_data if isinstance(module_data, bytes) else module_data.encode('utf-8')
        return AESGCM(hmac.new(self._key, header + name, hashlib.sha256).digest())


class _Encrypting(object):
    """The stream that the module below reads: the header and the encrypted chunks of `stream`."""

    def __init__(self, header, cipher, stream):
        self._cipher, self._stream = cipher, stream
        self._ready, self._number = header, 0
        # Read one chunk ahead, to know which one is the last.
        self._next = None

    def read(self, size=-1):
        while self._cipher and (size is None or size < 0 or not self._ready):
            self._ready += self._encrypt()
        size = len(self._ready) if size is None or size < 0 else size
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece

    def _encrypt(self):
        """Return the next chunk, encrypted. With the last one the cipher becomes None."""
        plain = _read_fully(self._stream, CHUNK) if self._next is None else self._next
        # After its end a stream is not read again.
        self._next = _read_fully(self._stream, CHUNK) if len(plain) == CHUNK else b''
        cipher, number = self._cipher, self._number
        if not self._next:
            self._cipher = None
        self._number += 1
        return cipher.encrypt(_nonce(number, not self._next), plain, None)


class DecryptingReader(object):
    """A stream over the `size` decrypted bytes of the encrypted `stream`.

    `read`, `seek` and `close` are those of a binary file. It keeps one decrypted chunk in memory.
    """

    def __init__(self, stream, size, cipher):
        self._stream, self._size, self._cipher = stream, size, cipher
        self._position = 0
        self._number, self._chunk = None, b''

    def read(self, size=-1):
        """Return the next `size` bytes, or all that follow. Raises DamagedObject."""
        if self._size == 0:
            self._decrypt(0)
        rest = max(0, self._size - self._position)
        size = rest if size is None or size < 0 else min(size, rest)
        pieces = []
        while size > 0:
            number, start = divmod(self._position, CHUNK)
            piece = self._decrypt(number)[start:start + size]
            pieces.append(piece)
            self._position += len(piece)
            size -= len(piece)
        return b''.join(pieces)

    def seek(self, offset, whence=os.SEEK_SET):
        """Go to `offset` from the start, the position or the end; return the new position.

        Raises ValueError for a position before the start, or another `whence`.
        """
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        if whence not in origins:
            raise ValueError('%r is no origin to seek from' % (whence,))
        position = origins[whence] + offset
        if position < 0:
            raise ValueError('%d is before the start of the object' % position)
        self._position = position
        return position

    def tell(self):
        """Return the position."""
        return self._position

    def close(self):
        """Close the stream below."""
        self._stream.close()

    def _decrypt(self, number):
        """Return the decrypted chunk with that number. Raises DamagedObject."""
        if number != self._number:
            self._stream.seek(HEADER + number * SEALED)
            sealed = _read_fully(self._stream, SEALED)
            try:
                nonce = _nonce(number, (number + 1) * CHUNK >= self._size)
                self._chunk = self._cipher.decrypt(nonce, sealed, None)
            except (InvalidTag, ValueError):
                raise DamagedObject('chunk %d does not decrypt' % number)
            self._number = number
        return self._chunk


def _parse_key(key):
    """Return the 32 bytes of `key`. The ValueError does not show the key: others read logs."""
    accepted = 'argument key must be 32 bytes, as 64 hexadecimal digits or in base64'
    text = key.encode('utf-8') if isinstance(key, type(u'')) else key
    if not isinstance(text, bytes):
        raise ValueError(accepted)
    for decode in (binascii.unhexlify, base64.b64decode, base64.urlsafe_b64decode):
        try:
            raw = decode(text)
        except (TypeError, ValueError):
            continue
        if len(raw) == 32:
            return raw
    raise ValueError(accepted)


def _nonce(number, last):
    # 12 bytes. Each is used once, because each object has a key of its own.
    return struct.pack('>3xQB', number, last)


def _plain_size(size):
    """Return the size of an object from its encrypted `size`. Raises DamagedObject."""
    chunks, rest = divmod(size - HEADER, SEALED)
    if rest:
        chunks += 1
    plain = size - HEADER - chunks * TAG
    # Only an empty object has an empty chunk.
    if chunks < 1 or plain < 0 or 0 < rest <= TAG and not (plain == 0 and chunks == 1):
        raise DamagedObject('none is %d bytes long' % size)
    return plain


def _ends_at(stream, size):
    """Return whether `stream` has exactly `size` bytes."""
    stream.seek(max(0, size - 1))
    return len(_read_fully(stream, 2)) == min(1, size)


def _read_fully(stream, size):
    """Return `size` bytes of `stream`, fewer only at its end."""
    pieces = []
    while size > 0:
        piece = stream.read(size)
        if not isinstance(piece, bytes):
            raise TypeError('a stream must return bytes, but one returned %r' % (piece,))
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b''.join(pieces)
