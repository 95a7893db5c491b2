"""The example `EncryptedStorage`: a storage module, and what it promises beyond."""

import base64
import hashlib
import hmac
import io
import os
import struct
import warnings

from tests import Stream, StreamError, content
from tests.kit.memory import MemoryStorage
from tests.sdk.stacked_modules import FILES, SIMPLE, LayerCase, deduplicated, encrypted
from tests.support import unittest

try:
    with warnings.catch_warnings():
        # It says that Python 2 is old.
        warnings.simplefilter('ignore')
        from tests.examples.encrypted import (
            CHUNK, HEADER, SEALED, AESGCM, DamagedObject, EncryptedStorage)
except ImportError as error:
    missing = str(error)
else:
    missing = None

KEY = hashlib.sha256(b'a key').digest()
HEX = '0123456789abcdef' * 4

needs_cryptography = unittest.skipIf(missing, 'cryptography is not installed: %s' % missing)


class EncryptedCase(LayerCase):
    """The kit; what lies in the files is not what was written."""

    deleteOfMissingRaises = False
    readersOutliveDelete = readersOutliveAssign = True

    def compareWrittenData(self, module_data, data):
        self._expectContent(module_data, data, 'an encrypted object')
        for stored in self.stored_files():
            # A few bytes may be there by chance.
            self.assertFalse(len(data) > 8 and data in stored, 'it lies there as it was')


@needs_cryptography
class OverSimpleTest(EncryptedCase, unittest.TestCase):
    layers = [('Simple', SIMPLE), ('Encrypted', encrypted('Simple'))]


@needs_cryptography
class OverFilesTest(EncryptedCase, unittest.TestCase):
    layers = [('Files', FILES), ('Encrypted', encrypted('Files'))]


@needs_cryptography
class OverDeduplicatedTest(EncryptedCase, unittest.TestCase):
    layers = [('Files', FILES), ('Deduplicated', deduplicated('Files')),
              ('Encrypted', encrypted('Deduplicated'))]


class CountingMemory(MemoryStorage):
    """Counts the bytes that its streams return."""

    count = 0

    def get_read_stream(self, context, module_data):
        storage = self

        class Counted(io.BytesIO):
            def read(self, size=-1):
                piece = io.BytesIO.read(self, size)
                storage.count += len(piece)
                return piece
        return Counted(self.objects[module_data])


@needs_cryptography
class EncryptionTest(unittest.TestCase):

    def setUp(self):
        self.below = CountingMemory()
        self.context = {'func': {'getModule': {'below': self.below}.__getitem__}}
        self.storage = self.make(HEX)

    def make(self, key):
        return EncryptedStorage(module='below', key=key)

    def put(self, data):
        return self.storage.put(self.context, Stream(data))

    def get(self, module_data, storage=None):
        stream = (storage or self.storage).get_read_stream(self.context, module_data)
        try:
            return stream.read()
        finally:
            stream.close()

    def assert_damaged(self, module_data, what):
        try:
            found = self.get(module_data)
        except DamagedObject as error:
            self.assertTrue('damaged' in str(error))
        else:
            self.fail('%s: it reads as %d bytes' % (what, len(found)))

    def test_the_form_is_the_documented_one(self):
        # Written a second time, from the documentation: what was stored must stay readable.
        for size in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK):
            data = content(size)
            module_data = self.put(data)
            stored = self.below.objects[module_data]
            header = stored[:36]
            self.assertEqual(b'MZE1', header[:4])
            cipher = AESGCM(hmac.new(bytes(bytearray.fromhex(HEX)), header + module_data.encode(),
                                     hashlib.sha256).digest())
            chunks = [data[start:start + 65536] for start in range(0, size, 65536)] or [b'']
            expected = b''.join(
                cipher.encrypt(struct.pack('>IIIB', 0, 0, number, number == len(chunks) - 1)[1:],
                               chunk, None) for number, chunk in enumerate(chunks))
            self.assertTrue(stored == header + expected, '%d bytes' % size)

    def test_what_an_earlier_release_stored_is_read(self):
        module_data = '00112233445566778899aabbccddeeff'
        self.below.objects[module_data] = base64.b64decode(GOLDEN)
        self.assertEqual(b'stored by the first version', self.get(module_data))

    def test_equal_contents_are_stored_as_different_bytes(self):
        one, two = self.put(content(100)), self.put(content(100))
        self.assertNotEqual(self.below.objects[one][HEADER:], self.below.objects[two][HEADER:])
        first = self.below.objects[one]
        self.storage.assign(self.context, one, Stream(content(100)))
        self.assertNotEqual(first[HEADER:], self.below.objects[one][HEADER:])

    def test_a_key_may_be_hexadecimal_or_base64(self):
        forms = [KEY, KEY[::-1], b'\xff\xfe' * 16]
        for raw in forms:
            words = [base64.b16encode(raw).decode(), base64.b16encode(raw).decode().lower(),
                     base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(),
                     base64.b64encode(raw)]
            module_data = self.make(words[0]).put(self.context, Stream(b'content'))
            for word in words:
                self.assertEqual(b'content', self.get(module_data, self.make(word)))

    def test_an_unusable_key_is_refused_and_not_shown(self):
        for key in (None, '', 'secret', 17, HEX[:-2], HEX + '00', HEX[:-1] + 'x',
                    base64.b64encode(KEY[:-1]).decode(), base64.b64encode(KEY + b'x').decode()):
            try:
                self.make(key)
            except ValueError as error:
                self.assertTrue('argument key' in str(error))
                self.assertFalse(key and str(key) in str(error), str(error))
            else:
                self.fail('%r was taken' % (key,))

    def test_a_missing_module_is_refused(self):
        self.assertRaises(ValueError, EncryptedStorage, key=HEX)

    def test_a_context_without_its_function_is_told(self):
        for context in (None, {}, {'func': {}}):
            try:
                self.storage.new_data(context)
            except ValueError as error:
                self.assertTrue('getModule' in str(error) and 'below' in str(error), str(error))
            else:
                self.fail('%r was accepted' % (context,))

    def test_another_key_reads_nothing(self):
        for size in (0, 1, 100000):
            module_data = self.put(content(size))
            self.assertRaises(DamagedObject, self.get, module_data, self.make('00' * 32))

    def test_an_object_in_the_place_of_another_is_refused(self):
        one, two = self.put(content(100)), self.put(content(100, first=1000))
        objects = self.below.objects
        objects[one], objects[two] = objects[two], objects[one]
        self.assert_damaged(one, 'exchanged')
        self.assert_damaged(two, 'exchanged')

    def test_no_changed_bit_goes_unnoticed(self):
        module_data = self.put(content(2 * CHUNK + 100))
        stored = self.below.objects[module_data]
        places = list(range(HEADER)) + [HEADER, HEADER + SEALED - 1, HEADER + SEALED,
                                        HEADER + SEALED - 17, len(stored) - 16, len(stored) - 1]
        for place in places:
            changed = bytearray(stored)
            changed[place] ^= 1
            self.below.objects[module_data] = bytes(changed)
            self.assert_damaged(module_data, 'byte %d' % place)

    def test_no_cut_goes_unnoticed(self):
        for size in (0, 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5):
            module_data = self.put(content(size))
            stored = self.below.objects[module_data]
            cuts = [0, 1, HEADER - 1, HEADER, HEADER + 15, HEADER + 16, HEADER + SEALED - 1,
                    HEADER + SEALED, HEADER + SEALED + 16, HEADER + SEALED + 17,
                    HEADER + 2 * SEALED, HEADER + 3 * SEALED, len(stored) - 1, len(stored) - 16]
            for length in cuts:
                if length < len(stored):
                    self.below.objects[module_data] = stored[:length]
                    self.assert_damaged(module_data, '%d bytes, cut at %d' % (size, length))

    def test_no_addition_goes_unnoticed(self):
        for size in (0, 1, CHUNK, 2 * CHUNK):
            module_data = self.put(content(size))
            stored = self.below.objects[module_data]
            for added in (b'x', b'x' * 16, b'x' * 17, stored[HEADER:], b'\0' * SEALED,
                          stored[HEADER:HEADER + SEALED]):
                self.below.objects[module_data] = stored + added
                self.assert_damaged(module_data, '%d bytes and %d' % (size, len(added)))

    def test_no_chunk_is_taken_for_another(self):
        module_data = self.put(content(4 * CHUNK))
        stored = self.below.objects[module_data]
        chunks = [stored[start:start + SEALED] for start in range(HEADER, len(stored), SEALED)]
        self.assertEqual(4, len(chunks))
        for order in ((1, 0, 2, 3), (0, 2, 1, 3), (0, 0, 2, 3), (0, 1, 3, 2), (3, 1, 2, 0),
                      (0, 1, 2), (0, 1, 3), (1, 2, 3), (3,), (0, 1, 2, 3, 3), (0, 1, 2, 2, 3)):
            self.below.objects[module_data] = stored[:HEADER] + b''.join(
                chunks[number] for number in order)
            self.assert_damaged(module_data, order)
        # Nor one of another object, at the same place.
        other = self.below.objects[self.put(content(4 * CHUNK))]
        self.below.objects[module_data] = (stored[:HEADER + SEALED]
                                           + other[HEADER + SEALED:HEADER + 2 * SEALED]
                                           + stored[HEADER + 2 * SEALED:])
        self.assert_damaged(module_data, 'a chunk of another object')

    def test_damage_elsewhere_does_not_keep_a_range_from_being_read(self):
        module_data = self.put(content(4 * CHUNK))
        stored = bytearray(self.below.objects[module_data])
        stored[HEADER + 2 * SEALED + 5] ^= 1
        self.below.objects[module_data] = bytes(stored)
        stream = self.storage.get_read_stream(self.context, module_data)
        self.assertEqual(content(4 * CHUNK)[:2 * CHUNK], stream.read(2 * CHUNK))
        self.assertRaises(DamagedObject, stream.read, 1)
        stream.seek(3 * CHUNK)
        self.assertEqual(content(4 * CHUNK)[3 * CHUNK:], stream.read())

    def test_a_range_decrypts_only_the_chunks_that_it_touches(self):
        module_data = self.put(content(20 * CHUNK))
        for start, size, chunks in ((0, 1, 1), (10 * CHUNK, CHUNK, 1), (10 * CHUNK - 1, 2, 2),
                                    (19 * CHUNK + 5, 10, 1), (20 * CHUNK, 10, 0)):
            self.below.count = 0
            stream = self.storage.get_read_stream(self.context, module_data)
            opened = self.below.count
            self.assertTrue(opened < 100, opened)
            stream.seek(start)
            self.assertEqual(content(20 * CHUNK)[start:start + size], stream.read(size))
            self.assertEqual(chunks * SEALED, self.below.count - opened)

    def test_reads_in_a_row_decrypt_each_chunk_once(self):
        module_data = self.put(content(3 * CHUNK))
        stream = self.storage.get_read_stream(self.context, module_data)
        self.below.count = 0
        while stream.read(1000):
            pass
        self.assertEqual(3 * SEALED, self.below.count)

    def test_the_size_is_told_without_reading(self):
        for size in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK):
            module_data = self.put(content(size))
            self.below.count = 0
            self.assertEqual(size, self.storage.get_size(self.context, module_data))
            self.assertEqual(0, self.below.count)

    def test_a_size_that_no_object_has_is_refused(self):
        module_data = self.put(b'')
        for length in (0, HEADER, HEADER + 15, HEADER + SEALED + 16, HEADER + SEALED + 1):
            self.below.objects[module_data] = b'x' * length
            self.assertRaises(DamagedObject, self.storage.get_size, self.context, module_data)
            self.assertTrue(self.storage.available(self.context, module_data) is False)
        # So the platform copies it here anew.
        self.storage.assign(self.context, module_data, Stream(b'content'))
        self.assertTrue(self.storage.available(self.context, module_data) is True)
        self.assertEqual(b'content', self.get(module_data))

    def test_a_reader_that_meets_a_replacement_while_it_opens_tries_again(self):
        module_data = self.put(content(1000))
        get_size, left = self.below.get_size, [3]

        def replaced(context, name):
            size = get_size(context, name)
            if left[0]:
                left[0] -= 1
                self.storage.assign(self.context, module_data, Stream(content(5000 + left[0])))
            return size
        self.below.get_size = replaced
        self.assertEqual(content(5000), self.get(module_data))
        left[0] = -1
        self.below.get_size = lambda context, name: get_size(context, name) + 1
        self.assertRaises(DamagedObject, self.get, module_data)

    def test_a_stream_that_breaks_or_returns_no_bytes_is_no_object(self):
        module_data = self.storage.new_data(self.context)
        for size in (0, CHUNK, CHUNK + 1, 3 * CHUNK):
            self.assertRaises(StreamError, self.storage.assign, self.context, module_data,
                              Stream(content(size), 5000, StreamError))

        class Nothing(object):
            def read(self, size):
                return None
        self.assertRaises(TypeError, self.storage.assign, self.context, module_data, Nothing())
        self.assertEqual({}, self.below.objects)

    def test_a_stream_that_has_ended_is_not_asked_again(self):
        pieces = []

        class Once(Stream):
            def read(stream, size=-1):
                self.assertFalse(b'' in pieces, 'a read after the end')
                pieces.append(super(Once, stream).read(size))
                return pieces[-1]
        for size in (1, 100, CHUNK - 1, CHUNK + 1):
            del pieces[:]
            self.storage.put(self.context, Once(content(size)))

    def test_another_version_is_told(self):
        module_data = self.put(b'content')
        stored = self.below.objects[module_data]
        self.below.objects[module_data] = b'MZE2' + stored[4:]
        try:
            self.get(module_data)
        except DamagedObject as error:
            self.assertTrue("it does not begin with" in str(error) and 'MZE1' in str(error))
        else:
            self.fail('it was read')

    def test_statistics_and_capabilities_are_those_below_and_more(self):
        self.assertEqual(self.below.statistics(None), self.storage.statistics(self.context))
        self.below.capabilities = lambda context: {'cdmi_size': 'true'}
        self.assertEqual({'cdmi_size': 'true', 'cdmi_encryption': ['AES_GCM_256']},
                         self.storage.capabilities(self.context))
        self.below.capabilities = None
        self.assertEqual({'cdmi_encryption': ['AES_GCM_256']},
                         self.storage.capabilities(self.context))

    def test_position_and_seek_are_those_of_a_file(self):
        stream = self.storage.get_read_stream(self.context, self.put(content(1000)))
        self.assertEqual([100, 150, 990], [stream.seek(100), stream.seek(50, os.SEEK_CUR),
                                           stream.seek(-10, os.SEEK_END)])
        self.assertEqual(content(1000)[990:], stream.read(100))
        self.assertEqual(1000, stream.tell())
        self.assertRaises(ValueError, stream.seek, -1)
        self.assertRaises(ValueError, stream.seek, 0, 9)
        self.assertEqual(1000, stream.tell())


# 'stored by the first version', under the key HEX.
GOLDEN = ('TVpFMQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fN4YK8e'
          'jI5+UGfibHj5HHwYATKRhQLE2GX30IjK/D5e75bZWui6VUbzZoTQ==')
