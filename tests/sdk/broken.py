"""Storage modules with one fault each, to prove that the conformance kit catches it.

The docstring says the fault, `caught_by` names the checks that are meant for it. What is not
overridden is correct: see `tests/kit/memory.py` and `simple/simple.py`.
"""

import errno
import io
import os
import shutil
import threading
import time
import uuid

from simple.simple import SimpleStorage
from tests.kit.memory import MemoryStorage

# new_data


class NamesAreBytes(MemoryStorage):
    """Its module_data is no str."""
    caught_by = ('testNewDataIsText',)

    def new_data(self, context):
        return bytearray(uuid.uuid4().bytes)


class NamesAreEmpty(MemoryStorage):
    """Its module_data says nothing."""
    caught_by = ('testNewDataIsText', 'testNewDataIsNeverRepeated')

    def new_data(self, context):
        return ''


class NamesHoldNul(MemoryStorage):
    """Its module_data can't be kept in a database."""
    caught_by = ('testNewDataSurvivesADatabase',)

    def new_data(self, context):
        return uuid.uuid4().hex + '\0'


class NamesAreNoText(MemoryStorage):
    """Its module_data can't be encoded: it holds the bytes of a path."""
    caught_by = ('testNewDataSurvivesADatabase',)

    def new_data(self, context):
        return uuid.uuid4().hex + getattr(os, 'fsdecode', str)(b'\xff')


class NamesAreSeconds(MemoryStorage):
    """Its module_data is the time of day."""
    caught_by = ('testNewDataIsNeverRepeated',)

    def new_data(self, context):
        return str(int(time.time() / 1000))


class NamesAreCounted(SimpleStorage):
    """Each instance counts its objects from one."""
    caught_by = ('testNewDataOfAnotherInstanceIsOther', 'testTwoProcessesShareTheStorage')
    count = 0

    def new_data(self, context):
        self.count += 1
        return '%032x.dat' % self.count


class AvailableOnceNamed(MemoryStorage):
    """An object is said to be there as soon as it has a name."""
    caught_by = ('testNotAvailable', 'testNotAvailableWhileWritten',
                 'testDeleteOfWhatWasNeverWritten')

    def __init__(self, objects=None):
        super(AvailableOnceNamed, self).__init__(objects)
        self.named = set()

    def new_data(self, context):
        module_data = super(AvailableOnceNamed, self).new_data(context)
        self.named.add(module_data)
        return module_data

    def available(self, context, module_data):
        return module_data in self.named


# assign


class WritesNothing(MemoryStorage):
    """Its assign forgets what it reads."""
    caught_by = ('testWrite', 'testAvailable')

    def assign(self, context, module_data, stream):
        self.take(stream)


class WritesEmptyFiles(SimpleStorage):
    """What it reads does not reach the file."""
    caught_by = ('testWrite',)

    def assign(self, context, module_data, stream):
        super(WritesEmptyFiles, self).assign(context, module_data, stream)
        open(self._path(module_data), 'wb').close()


class WritesBehind(MemoryStorage):
    """It answers from its memory, and the storage never gets what is in there."""
    caught_by = ('testWrite', 'testWriteEverySizeThenRead', 'testWriteAgainReplaces', 'testPut')

    def __init__(self, objects=None):
        super(WritesBehind, self).__init__(objects)
        self.memory = MemoryStorage()
        for name in ('assign', 'available', 'get_read_stream', 'delete', 'get_size'):
            setattr(self, name, getattr(self.memory, name))


class WritesText(MemoryStorage):
    """It writes in the text mode of other systems: a newline becomes two bytes."""
    caught_by = ('testWriteDelicateContentThenRead', 'testWriteThenRead')

    def take(self, stream):
        return super(WritesText, self).take(stream).replace(b'\n', b'\r\n')


class ReadsText(MemoryStorage):
    """It reads in text mode: CR LF becomes LF."""
    caught_by = ('testWriteDelicateContentThenRead',)

    def get_read_stream(self, context, module_data):
        return io.BytesIO(self.objects[module_data].replace(b'\r\n', b'\n'))


class EndsAtControlZ(MemoryStorage):
    """0x1A ends its files."""
    caught_by = ('testWriteDelicateContentThenRead',)

    def get_read_stream(self, context, module_data):
        return io.BytesIO(self.objects[module_data].split(b'\x1a')[0])


class LosesTrailingNuls(MemoryStorage):
    """It leaves holes for NULs, and the last one is not counted."""
    caught_by = ('testWriteDelicateContentThenRead',)

    def take(self, stream):
        return super(LosesTrailingNuls, self).take(stream).rstrip(b'\0')


class StripsWhitespace(MemoryStorage):
    """It takes its content for a line of text."""
    caught_by = ('testWriteDelicateContentThenRead',)

    def take(self, stream):
        return super(StripsWhitespace, self).take(stream).strip()


class LosesTheLastBlock(MemoryStorage):
    """A last block that is not full is forgotten, unless it is the only one."""
    caught_by = ('testWriteEverySizeThenRead', 'testSize')

    def take(self, stream):
        data = super(LosesTheLastBlock, self).take(stream)
        return data[:len(data) // 4096 * 4096 or len(data)]


class LosesAByteOfFullBlocks(MemoryStorage):
    """It is wrong by one where the last block is full."""
    caught_by = ('testWriteEverySizeThenRead',)

    def take(self, stream):
        data = super(LosesAByteOfFullBlocks, self).take(stream)
        return data[:-1] if data and len(data) % 65536 == 0 else data


class EndsAtEightMebibytes(MemoryStorage):
    """A limit that nobody is told about."""
    caught_by = ('testWriteManyMebibytesThenRead',)

    def take(self, stream):
        return super(EndsAtEightMebibytes, self).take(stream)[:8 * 1024 * 1024]


class StopsAtAShortRead(MemoryStorage):
    """It takes a read that returns less than asked for the end."""
    caught_by = ('testWriteFromStreamOfShortReads', 'testWriteFromStreamThatDribbles')

    def take(self, stream):
        pieces = [stream.read(65536)]
        while len(pieces[-1]) == 65536:
            pieces.append(stream.read(65536))
        return b''.join(pieces)


class TakesNoneForTheEnd(MemoryStorage):
    """It reads while there is something, which None and text without a letter are not."""
    caught_by = ('testReadOfNoBytesIsNoEnd',)

    def take(self, stream):
        pieces = [stream.read(65536)]
        while pieces[-1]:
            pieces.append(stream.read(65536))
        return b''.join(pieces[:-1])


class EncodesText(MemoryStorage):
    """It makes bytes of text, in an encoding that nobody has told it."""
    caught_by = ('testReadOfNoBytesIsNoEnd',)

    def take(self, stream):
        data, piece = b'', None
        while piece != b'':
            piece = stream.read(65536)
            if isinstance(piece, type(u'')):
                piece = piece.encode('utf-8') or stream.read(65536)
            data += piece
        return data


class KeepsAPartBeforeNone(MemoryStorage):
    """It raises for None, but too late."""
    caught_by = ('testReadOfNoBytesIsNoEnd',)

    def assign(self, context, module_data, stream):
        self.objects[module_data], piece = b'', None
        while piece != b'':
            piece = stream.read(65536)
            self.objects[module_data] += piece


class RewindsTheStream(MemoryStorage):
    """It starts at the start of a file, whatever was read before."""
    caught_by = ('testWriteFromFiles', 'testCopyFromAPosition')

    def take(self, stream):
        if hasattr(stream, 'seek'):
            stream.seek(0)
        return super(RewindsTheStream, self).take(stream)


class TakesTheWholeBuffer(MemoryStorage):
    """It knows streams in memory, and not that they have a position."""
    caught_by = ('testWriteFromFiles',)

    def take(self, stream):
        if hasattr(stream, 'getvalue'):
            return stream.getvalue()
        return super(TakesTheWholeBuffer, self).take(stream)


class TakesTheFileOfThatName(MemoryStorage):
    """It knows where the file lies, and reads it itself."""
    caught_by = ('testWriteFromFiles',)

    def take(self, stream):
        if os.path.isfile(str(getattr(stream, 'name', ''))):
            with open(stream.name, 'rb') as source:
                return source.read()
        return super(TakesTheFileOfThatName, self).take(stream)


class ReadsInto(MemoryStorage):
    """It has the stream fill a buffer, by a method that no stream need have, or have right."""
    caught_by = ('testWriteFromFiles',)

    def take(self, stream):
        if not hasattr(stream, 'readinto'):
            return super(ReadsInto, self).take(stream)
        data, buffer, size = b'', bytearray(65536), 1
        while size > 0:
            size = stream.readinto(buffer)
            data += bytes(buffer[:size])
        return data


class ReadsTheDescriptor(MemoryStorage):
    """It has the system copy, and forgets what lies in the stream's buffer."""
    caught_by = ('testWriteFromFiles',)

    def take(self, stream):
        try:
            fd = stream.fileno()
        except Exception:
            return super(ReadsTheDescriptor, self).take(stream)
        self.prepare(fd, stream)
        pieces = [os.read(fd, 65536)]
        while pieces[-1]:
            pieces.append(os.read(fd, 65536))
        return b''.join(pieces)

    def prepare(self, fd, stream):
        """Nothing."""


class ReadsTheDescriptorFromThePosition(ReadsTheDescriptor):
    """It has the system copy from where the stream is, and the descriptor counts other bytes."""

    def prepare(self, fd, stream):
        os.lseek(fd, stream.tell(), os.SEEK_SET)


class NeedsMoreThanRead(MemoryStorage):
    """It asks the stream where it is, which only files know."""
    caught_by = ('testWrite',)

    def take(self, stream):
        stream.tell()
        return super(NeedsMoreThanRead, self).take(stream)


class TakesAllAtOnce(MemoryStorage):
    """It reads whole objects, of whatever size, into the memory of the server."""
    caught_by = ('testWriteTakesOnePieceAtATime',)

    def take(self, stream):
        pieces = [stream.read()]
        while pieces[-1]:
            pieces.append(stream.read())
        return b''.join(pieces)


class Appends(MemoryStorage):
    """A second assign adds to the first."""
    caught_by = ('testWriteAgainReplaces', 'testOfManyWritersOfOneObjectOneWins',
                 'testWriteAgainAfterBrokenStream')

    def take_into(self, module_data, stream):
        while True:
            piece = stream.read(65536)
            if not piece:
                return
            self.objects[module_data] += piece

    def assign(self, context, module_data, stream):
        self.objects.setdefault(module_data, b'')
        self.take_into(module_data, stream)


class FirstWins(MemoryStorage):
    """A second assign is ignored."""
    caught_by = ('testWriteAgainReplaces',)

    def assign(self, context, module_data, stream):
        self.objects.setdefault(module_data, self.take(stream))


class KeepsTheTail(MemoryStorage):
    """It overwrites in place, and what is longer stays longer."""
    caught_by = ('testWriteAgainReplaces', 'testOfTwoWritersOfOneObjectOneWins')

    def assign(self, context, module_data, stream):
        data = self.take(stream)
        self.objects[module_data] = data + self.objects.get(module_data, b'')[len(data):]


class KeepsAllButTheStart(MemoryStorage):
    """It overwrites the start, and leaves all else."""
    caught_by = ('testReadersWhileReplaced', 'testWriteAgainReplaces')

    def assign(self, context, module_data, stream):
        data = self.take(stream)
        earlier = self.objects.get(module_data)
        self.objects[module_data] = data if earlier is None else data[:10] + earlier[10:]


class SwallowsErrors(MemoryStorage):
    """It logs a broken stream, and returns."""
    caught_by = ('testBrokenStreamRaises', 'testStreamThatRaisesStopIterationIsNoWhole')

    def assign(self, context, module_data, stream):
        try:
            super(SwallowsErrors, self).assign(context, module_data, stream)
        except Exception:
            pass


class TranslatesErrors(MemoryStorage):
    """It raises an error of its own in the place of the stream's."""
    caught_by = ('testBrokenStreamRaises',)

    def assign(self, context, module_data, stream):
        try:
            super(TranslatesErrors, self).assign(context, module_data, stream)
        except Exception as error:
            raise RuntimeError(str(error))


class SwallowsInterrupts(MemoryStorage):
    """It returns when a limit of time ends the stream."""
    caught_by = ('testBrokenStreamRaises',)

    def assign(self, context, module_data, stream):
        try:
            super(SwallowsInterrupts, self).assign(context, module_data, stream)
        except Exception:
            raise
        except:
            pass


class PublishesAtAnInterrupt(MemoryStorage):
    """It takes only an Exception for a failure, and anything else for the end."""
    caught_by = ('testInterruptedStreamLeavesNothing', 'testInterruptedStreamLeavesEarlierContent')

    def assign(self, context, module_data, stream):
        data, piece, failed = b'', None, False
        try:
            while piece != b'':
                piece = stream.read(65536)
                data += piece
        except Exception:
            failed = True
            raise
        finally:
            if not failed:
                self.objects[module_data] = data


class RestoresAfterExceptionsOnly(MemoryStorage):
    """It makes room before it has the new content; an Exception alone brings the old one back."""
    caught_by = ('testInterruptedStreamLeavesEarlierContent',)

    def assign(self, context, module_data, stream):
        earlier = self.objects.pop(module_data, None)
        try:
            super(RestoresAfterExceptionsOnly, self).assign(context, module_data, stream)
        except Exception:
            if earlier is not None:
                self.objects[module_data] = earlier
            raise


class TakesStopIterationForTheEnd(MemoryStorage):
    """It reads in a generator, which hides one kind of error."""
    caught_by = ('testStreamThatRaisesStopIterationIsNoWhole',)

    def take(self, stream):
        pieces = []
        try:
            while not pieces or pieces[-1]:
                pieces.append(stream.read(65536))
        except StopIteration:
            pass
        return b''.join(pieces)


class KeepsAPart(MemoryStorage):
    """What came before the stream broke stays, as if it were the object."""
    caught_by = ('testBrokenStreamLeavesNothing', 'testBrokenStreamLeavesEarlierContent',
                 'testNotAvailableWhileWritten', 'testNoPartIsReadWhileWritten',
                 'testEarlierContentIsReadWhileReplaced',
                 'testStreamThatRaisesStopIterationIsNoWhole')

    def assign(self, context, module_data, stream):
        self.objects[module_data] = b''
        while True:
            piece = stream.read(65536)
            if not piece:
                return
            self.objects[module_data] += piece


class RemovesEarlierContentFirst(MemoryStorage):
    """It makes room before it has the new content."""
    caught_by = ('testBrokenStreamLeavesEarlierContent', 'testBrokenStreamLeavesNoTemporary')

    def assign(self, context, module_data, stream):
        self.objects.pop(module_data, None)
        super(RemovesEarlierContentFirst, self).assign(context, module_data, stream)


class RefusesASecondTry(MemoryStorage):
    """What failed once may not be tried again."""
    caught_by = ('testWriteAgainAfterBrokenStream',)

    def __init__(self, objects=None):
        super(RefusesASecondTry, self).__init__(objects)
        self.begun = set()

    def assign(self, context, module_data, stream):
        if module_data in self.begun and module_data not in self.objects:
            raise EnvironmentError(errno.EEXIST, 'begun already')
        self.begun.add(module_data)
        super(RefusesASecondTry, self).assign(context, module_data, stream)


# available


class NeverAvailable(MemoryStorage):
    """It has the platform copy every object again."""
    caught_by = ('testAvailable', 'testReplicationToAnotherLocation')

    def available(self, context, module_data):
        return False


class AlwaysAvailable(MemoryStorage):
    """It has the platform copy nothing."""
    caught_by = ('testNotAvailable', 'testDelete', 'testForeignModuleDataReadsNothing',
                 'testReplicationToAnotherLocation', 'testModuleDataOfAnotherStorage')

    def available(self, context, module_data):
        return True


class EmptyIsNotAvailable(MemoryStorage):
    """It takes an empty object for none."""
    caught_by = ('testAvailable',)

    def available(self, context, module_data):
        return bool(self.objects.get(module_data))


class AvailableIsANumber(MemoryStorage):
    """It answers 1 for True."""
    caught_by = ('testAvailable',)

    def available(self, context, module_data):
        return int(module_data in self.objects)


class ForgetsTooSoon(MemoryStorage):
    """It caches what it is asked for, and clears that when an assign begins."""
    caught_by = ('testNotAvailableWhileWritten', 'testEarlierContentIsReadWhileReplaced')

    def __init__(self, objects=None):
        super(ForgetsTooSoon, self).__init__(objects)
        self.cache = {}

    def assign(self, context, module_data, stream):
        self.cache.pop(module_data, None)
        super(ForgetsTooSoon, self).assign(context, module_data, stream)

    def available(self, context, module_data):
        return self.cache.setdefault(module_data, self.objects.get(module_data)) is not None

    def get_read_stream(self, context, module_data):
        return io.BytesIO(self.cache.setdefault(module_data, self.objects[module_data]))


class PartHasASize(MemoryStorage):
    """Its get_size counts what has come so far."""
    caught_by = ('testNoPartIsReadWhileWritten', 'testEarlierContentIsReadWhileReplaced')

    def __init__(self, objects=None):
        super(PartHasASize, self).__init__(objects)
        self.parts = {}

    def take_into(self, part, stream):
        piece = None
        while piece != b'':
            piece = stream.read(65536)
            part.append(piece)

    def assign(self, context, module_data, stream):
        part = self.parts[module_data] = []
        try:
            self.take_into(part, stream)
            self.objects[module_data] = b''.join(part)
        finally:
            del self.parts[module_data]

    def get_size(self, context, module_data):
        if module_data in self.parts:
            return len(b''.join(self.parts[module_data]))
        return super(PartHasASize, self).get_size(context, module_data)


class PartIsReadable(MemoryStorage):
    """Its available waits for the end, and its readers do not."""
    caught_by = ('testNoPartIsReadWhileWritten', 'testEarlierContentIsReadWhileReplaced')

    def __init__(self, objects=None):
        super(PartIsReadable, self).__init__(objects)
        self.parts = {}

    def take(self, stream):
        raise NotImplementedError

    def assign(self, context, module_data, stream):
        self.parts[module_data] = b''
        try:
            piece = stream.read(65536)
            while piece:
                self.parts[module_data] += piece
                piece = stream.read(65536)
            self.objects[module_data] = self.parts[module_data]
        finally:
            del self.parts[module_data]

    def get_read_stream(self, context, module_data):
        if module_data in self.parts:
            return io.BytesIO(self.parts[module_data])
        return super(PartIsReadable, self).get_read_stream(context, module_data)


# get_read_stream and get_size


class WrappedReader(object):
    """A reader that does what a correct one does, for others to do it wrong."""

    def __init__(self, data):
        self.stream = io.BytesIO(data)

    def read(self, *size):
        return self.stream.read(*size)

    def seek(self, *where):
        self.stream.seek(*where)

    def close(self):
        self.stream.close()


class WithReader(MemoryStorage):
    """A module whose streams are of the class `reader`."""
    reader = WrappedReader

    def get_read_stream(self, context, module_data):
        return self.reader(self.objects[module_data])


class ReadersCanNotSeek(WithReader):
    """Its streams have no seek."""
    caught_by = ('testReadStreamHasItsMethods', 'testReadRanges')

    class reader(object):
        def __init__(self, data):
            self.read, self.close = io.BytesIO(data).read, lambda: None


class ReadersCanNotBeClosed(WithReader):
    """Its streams have no close."""
    caught_by = ('testReadStreamHasItsMethods',)

    class reader(object):
        def __init__(self, data):
            stream = io.BytesIO(data)
            self.read, self.seek = stream.read, stream.seek


class ReadsMoreThanAsked(WithReader):
    """Its streams return whole blocks."""
    caught_by = ('testReadInPieces',)

    class reader(WrappedReader):
        def read(self, size=-1):
            return self.stream.read(-(-size // 512) * 512 if size > 0 else size)


class ReadsLines(WithReader):
    """A byte of each block is lost between two reads."""
    caught_by = ('testReadInPieces',)

    class reader(WrappedReader):
        def read(self, size=-1):
            data = self.stream.read(size)
            if size > 60000:
                self.stream.read(1)
            return data


class ReadsOneBlockForAll(WithReader):
    """read() without a size is one block."""
    caught_by = ('testReadAllAtOnce',)

    class reader(WrappedReader):
        def read(self, size=-1):
            return self.stream.read(size if size >= 0 else 65536)


class NeedsASize(WithReader):
    """read() without a size is refused."""
    caught_by = ('testReadAllAtOnce',)

    class reader(WrappedReader):
        def read(self, size):
            return self.stream.read(size)


class ReadsByteArrays(WithReader):
    """Its streams return a type of bytes that no server passes on."""
    caught_by = ('testWriteThenRead', 'testReadInPieces')

    class reader(WrappedReader):
        def read(self, *size):
            return bytearray(self.stream.read(*size))


class ReadsTextObjects(WithReader):
    """Its streams return text."""
    caught_by = ('testWriteThenRead', 'testReadInPieces')

    class reader(WrappedReader):
        def read(self, *size):
            return self.stream.read(*size).decode('latin-1')


class RaisesAtTheEnd(WithReader):
    """A read at the end raises."""
    caught_by = ('testReadAfterTheEnd', 'testSeekPastTheEnd')

    class reader(WrappedReader):
        def read(self, *size):
            data = self.stream.read(*size)
            if not data and size != (0,):
                raise EOFError('no more')
            return data


class NoneAtTheEnd(WithReader):
    """A read at the end returns None."""
    caught_by = ('testReadAfterTheEnd',)

    class reader(WrappedReader):
        def read(self, *size):
            return self.stream.read(*size) or None


class StartsAgainAtTheEnd(WithReader):
    """A read after the end starts from the beginning."""
    caught_by = ('testReadAfterTheEnd',)

    class reader(WrappedReader):
        def read(self, *size):
            data = self.stream.read(*size)
            if not data:
                self.stream.seek(0)
            return data


class ReadsAllForNothing(WithReader):
    """read(0) reads everything."""
    caught_by = ('testReadNothing',)

    class reader(WrappedReader):
        def read(self, size=None):
            return self.stream.read(size or -1)


class MovesForNothing(WithReader):
    """read(0) returns nothing, and goes on by a byte."""
    caught_by = ('testReadNothing',)

    class reader(WrappedReader):
        def read(self, *size):
            data = self.stream.read(*size)
            return data if size != (0,) else self.stream.read(1)[:0]


class SeeksNowhere(WithReader):
    """seek is accepted, and ignored."""
    caught_by = ('testReadRanges', 'testSeekFromAnywhere')

    class reader(WrappedReader):
        def seek(self, *where):
            pass


class SeeksToBlocks(WithReader):
    """seek goes to the start of a block."""
    caught_by = ('testReadRanges',)

    class reader(WrappedReader):
        def seek(self, offset, whence=0):
            self.stream.seek(offset if whence else offset // 65536 * 65536, whence)


class SeeksFromTheStartOnly(WithReader):
    """The second parameter of seek is ignored."""
    caught_by = ('testSeekFromAnywhere',)

    class reader(WrappedReader):
        def seek(self, offset, whence=0):
            self.stream.seek(max(0, offset))


class CountsReadsOnly(WithReader):
    """A seek from the position counts from where the last read ended."""
    caught_by = ('testSeekFromAnywhere',)

    class reader(WrappedReader):
        position = 0

        def read(self, *size):
            data = self.stream.read(*size)
            self.position = self.stream.tell()
            return data

        def seek(self, offset, whence=0):
            if whence == 1:
                offset, whence = max(0, self.position + offset), 0
            self.stream.seek(offset, whence)


class CountsSeeksOnly(WithReader):
    """A seek from the position counts from where the last seek went."""
    caught_by = ('testSeekFromAnywhere',)

    class reader(WrappedReader):
        position = 0

        def seek(self, offset, whence=0):
            if whence == 1:
                offset, whence = self.position + offset, 0
            self.stream.seek(offset, whence)
            self.position = self.stream.tell()


class TakesZeroForOne(WithReader):
    """A seek that says it is from the start goes from the position."""
    caught_by = ('testSeekFromAnywhere',)

    class reader(WrappedReader):
        def seek(self, offset, *whence):
            self.stream.seek(offset, max(whence + (1,)) if whence else 0)


class CountsPastTheEnd(WithReader):
    """A seek from the end takes the sign of the offset for another one."""
    caught_by = ('testSeekFromAnywhere',)

    class reader(WrappedReader):
        def seek(self, offset, whence=0):
            self.stream.seek(abs(offset) if whence == 2 else offset, whence)


class EndsForGood(WithReader):
    """A stream that was past the end stays there."""
    caught_by = ('testSeekPastTheEnd',)

    class reader(WrappedReader):
        def seek(self, *where):
            if self.stream.tell() <= len(self.stream.getvalue()):
                self.stream.seek(*where)


class WrapsAround(WithReader):
    """A position before the start is one far past the end, as in numbers without a sign."""
    caught_by = ('testSeekBeforeTheStart',)

    class reader(WrappedReader):
        def seek(self, offset, whence=0):
            position = offset + (0, self.stream.tell(), len(self.stream.getvalue()))[whence]
            self.stream.seek(position % 2 ** 62)


class SeeksToTheLastByte(WithReader):
    """A seek past the end stops before the last byte."""
    caught_by = ('testSeekPastTheEnd',)

    class reader(WrappedReader):
        def seek(self, *where):
            self.stream.seek(*where)
            if self.stream.tell() > len(self.stream.getvalue()):
                self.stream.seek(-1, 2)


class CountsFromTheEnd(WithReader):
    """A position before the start is one before the end, as Python's slices have it."""
    caught_by = ('testSeekBeforeTheStart',)

    class reader(WrappedReader):
        def seek(self, offset, whence=0):
            size = len(self.stream.getvalue())
            position = offset + (0, self.stream.tell(), size)[whence]
            self.stream.seek(position % size if position < 0 else position)


class OneReaderForAll(MemoryStorage):
    """An object has one stream, which all its readers share."""
    caught_by = ('testReadersAreIndependent',)

    def __init__(self, objects=None):
        super(OneReaderForAll, self).__init__(objects)
        self.streams = {}

    def get_read_stream(self, context, module_data):
        data = self.objects[module_data]
        if self.streams.get(module_data, (None,))[0] is not data:
            self.streams[module_data] = data, io.BytesIO(data)
        return self.streams[module_data][1]


class OnePositionForAll(OneReaderForAll):
    """Its streams are duplicates of one: each is closed by itself, and all have one position."""

    class reader(WrappedReader):
        def __init__(self, stream):
            self.stream = stream

        def close(self):
            pass

    def get_read_stream(self, context, module_data):
        stream = super(OnePositionForAll, self).get_read_stream(context, module_data)
        return self.reader(stream)


class MissingIsEmpty(MemoryStorage):
    """An object that is not there reads as an empty one."""
    caught_by = ('testReadMissingRaises', 'testDeleteTwice', 'testDelete',
                 'testForeignModuleDataReadsNothing', 'testDamagedModuleData',
                 'testNoFileOfOthersIsReached')

    def get_read_stream(self, context, module_data):
        return io.BytesIO(self.objects.get(module_data, b''))


class MissingHasASize(MemoryStorage):
    """An object that is not there has no bytes, it says."""
    caught_by = ('testSizeOfMissingRaises', 'testDeleteTwice', 'testDelete',
                 'testForeignModuleDataReadsNothing', 'testDamagedModuleData',
                 'testNoFileOfOthersIsReached')

    def get_size(self, context, module_data):
        return len(self.objects.get(module_data, b''))


class MissingIsNone(MemoryStorage):
    """A failure is a None that is returned."""
    caught_by = ('testReadMissingRaises', 'testSizeOfMissingRaises')

    def get_read_stream(self, context, module_data):
        data = self.objects.get(module_data)
        return None if data is None else io.BytesIO(data)

    def get_size(self, context, module_data):
        data = self.objects.get(module_data)
        return None if data is None else len(data)


class WithCopies(WithReader):
    """A module that knows its own streams, and has a `copy` for them."""

    def get_read_stream(self, context, module_data):
        stream = super(WithCopies, self).get_read_stream(context, module_data)
        stream.module, stream.source = self, module_data
        return stream

    def assign(self, context, module_data, stream):
        super(WithCopies, self).assign(context, module_data, stream)
        if hasattr(stream, 'source'):
            self.copy(module_data, stream)


class CopiesByMoving(WithCopies):
    """A copy moves the object."""
    caught_by = ('testCopyOnTheServer',)

    def copy(self, module_data, stream):
        del self.objects[stream.source]


class CopiesWhatOneCallCopies(WithCopies):
    """It asks the system once to copy, and never how much was copied."""
    caught_by = ('testCopyOnTheServer',)

    def copy(self, module_data, stream):
        self.objects[module_data] = self.objects[module_data][:65536]


class CopiesFromTheStart(WithCopies):
    """It copies the object, not what is left of the stream."""
    caught_by = ('testCopyFromAPosition',)

    def copy(self, module_data, stream):
        self.objects[module_data] = stream.stream.getvalue()


class CopiesByName(WithCopies):
    """It takes the source's name for that of an object here, though it lies elsewhere."""
    caught_by = ('testReplicationToAnotherLocation',)

    def copy(self, module_data, stream):
        self.objects[module_data] = b''
        self.objects[module_data] = self.objects[stream.source]


class CopiesByLinks(WithCopies):
    """A copy is a link to its source, and gone when that is deleted."""
    caught_by = ('testCopyAndSourceAreTwoObjects', 'testReplicaOutlivesItsSource')

    def __init__(self, objects=None):
        super(CopiesByLinks, self).__init__(objects)
        self.links = []

    def copy(self, module_data, stream):
        stream.module.links.append((stream.source, self.objects, module_data))

    def delete(self, context, module_data):
        super(CopiesByLinks, self).delete(context, module_data)
        for source, objects, copy in self.links:
            if source == module_data:
                objects.pop(copy, None)


class CopiesShareTheirBytes(WithCopies):
    """A copy is another name of the same bytes, and an assign overwrites them in place."""
    caught_by = ('testCopyAndSourceAreTwoObjects',)

    def take(self, stream):
        return bytearray(super(CopiesShareTheirBytes, self).take(stream))

    def assign(self, context, module_data, stream):
        earlier = self.objects.get(module_data)
        super(CopiesShareTheirBytes, self).assign(context, module_data, stream)
        if earlier is not None:
            earlier[:] = self.objects[module_data]
            self.objects[module_data] = earlier

    def copy(self, module_data, stream):
        self.objects[module_data] = self.objects[stream.source]


class SizeIsText(MemoryStorage):
    """get_size returns what it found in a header."""
    caught_by = ('testSize',)

    def get_size(self, context, module_data):
        return str(len(self.objects[module_data]))


class SizeOfTheFirst(MemoryStorage):
    """It remembers sizes, and an object that is assigned again keeps the first."""
    caught_by = ('testWriteAgainReplaces', 'testOfTwoWritersOfOneObjectOneWins')

    def __init__(self, objects=None):
        super(SizeOfTheFirst, self).__init__(objects)
        self.sizes = {}

    def assign(self, context, module_data, stream):
        super(SizeOfTheFirst, self).assign(context, module_data, stream)
        self.sizes.setdefault(module_data, len(self.objects[module_data]))

    def get_size(self, context, module_data):
        return self.sizes[module_data]


# delete


class DeletesNothing(MemoryStorage):
    """Its delete does nothing."""
    caught_by = ('testDelete', 'testNothingIsLeftInTheStorage', 'testPut',
                 'testReplicationToAnotherLocation')

    def delete(self, context, module_data):
        pass


class DeletesEqualContent(MemoryStorage):
    """All objects of the same content go at once: it deduplicates, and does not count."""
    caught_by = ('testDeleteLeavesOthers', 'testPut')

    def delete(self, context, module_data):
        data = self.objects.get(module_data)
        for other in [other for other in self.objects if self.objects[other] == data]:
            del self.objects[other]


class DeletesAllForTwo(MemoryStorage):
    """A delete of what is gone empties the storage."""
    caught_by = ('testDeleteTwice', 'testDeleteOfWhatWasNeverWritten',
                 'testForeignModuleDataDestroysNothing', 'testDamagedModuleData',
                 'testMisspelledModuleDataIsNoOtherObject')

    def delete(self, context, module_data):
        if self.objects.pop(module_data, None) is None:
            self.objects.clear()


class DeletesByPrefix(MemoryStorage):
    """It removes all that begins like the object."""
    caught_by = ('testForeignModuleDataDestroysNothing', 'testMisspelledModuleDataIsNoOtherObject')

    def delete(self, context, module_data):
        for other in list(self.objects):
            if other.startswith(module_data[:8]):
                del self.objects[other]


class DeletesTheLatest(MemoryStorage):
    """For a name that it does not know it deletes the latest object."""
    caught_by = ('testMisspelledModuleDataIsNoOtherObject',)
    latest = None

    def assign(self, context, module_data, stream):
        super(DeletesTheLatest, self).assign(context, module_data, stream)
        self.latest = module_data

    def delete(self, context, module_data):
        self.objects.pop(module_data if module_data in self.objects else self.latest, None)


class DeletesEverywhere(MemoryStorage):
    """A delete reaches the storages of all instances."""
    caught_by = ('testModuleDataOfAnotherStorage', 'testReplicationToAnotherLocation')
    instances = []

    def __init__(self, objects=None):
        super(DeletesEverywhere, self).__init__(objects)
        self.instances.append(self)

    def delete(self, context, module_data):
        for instance in self.instances:
            instance.objects.pop(module_data, None)


class KeepsTheSizeOfTheDeleted(MemoryStorage):
    """get_size remembers what is gone."""
    caught_by = ('testDelete',)

    def __init__(self, objects=None):
        super(KeepsTheSizeOfTheDeleted, self).__init__(objects)
        self.sizes = {}

    def get_size(self, context, module_data):
        if module_data in self.objects:
            self.sizes[module_data] = len(self.objects[module_data])
        return self.sizes[module_data]

    def delete(self, context, module_data):
        self.get_size(context, module_data)
        super(KeepsTheSizeOfTheDeleted, self).delete(context, module_data)


class LiveReader(object):
    """A stream that looks at the object anew at each read."""

    def __init__(self, objects, module_data):
        self.objects, self.module_data, self.position = objects, module_data, 0
        objects[module_data]

    def read(self, size=-1):
        stream = io.BytesIO(self.objects.get(self.module_data, b''))
        stream.seek(self.position)
        data = stream.read(size)
        self.position += len(data)
        return data

    def seek(self, offset, whence=0):
        stream = io.BytesIO(self.objects.get(self.module_data, b''))
        stream.seek(self.position)
        stream.seek(offset, whence)
        self.position = stream.tell()

    def close(self):
        pass


class ReadersSeeTheChange(MemoryStorage):
    """An open stream ends early when its object goes, and goes on in another one's bytes."""
    caught_by = ('testDeleteUnderAReader', 'testReplaceUnderAReader')

    def get_read_stream(self, context, module_data):
        return LiveReader(self.objects, module_data)


# module_data


class WithOwnText(MemoryStorage):
    """A module that can tell what new_data returned from other objects of the same text."""

    def __init__(self, objects=None):
        super(WithOwnText, self).__init__(objects)
        self.issued = []

    def new_data(self, context):
        self.issued.append(super(WithOwnText, self).new_data(context))
        return self.issued[-1]

    def is_own(self, module_data):
        return any(module_data is issued for issued in self.issued)


class FindsItsOwnText(WithOwnText):
    """It finds nothing by text that comes from the database."""
    caught_by = ('testModuleDataComesBackAsOtherText',)

    def available(self, context, module_data):
        return self.is_own(module_data) and module_data in self.objects


class ReplacesItsOwnText(WithOwnText):
    """It stores nothing under text that comes from the database."""
    caught_by = ('testModuleDataComesBackAsOtherText',)

    def assign(self, context, module_data, stream):
        if self.is_own(module_data):
            super(ReplacesItsOwnText, self).assign(context, module_data, stream)


class DeletesItsOwnText(WithOwnText):
    """It deletes nothing by text that comes from the database."""
    caught_by = ('testModuleDataComesBackAsOtherText',)

    def delete(self, context, module_data):
        if self.is_own(module_data):
            super(DeletesItsOwnText, self).delete(context, module_data)


class FallsBack(MemoryStorage):
    """For a name that it does not know it returns the latest object."""
    caught_by = ('testForeignModuleDataReadsNothing', 'testDamagedModuleData',
                 'testMisspelledModuleDataIsNoOtherObject', 'testReadMissingRaises',
                 'testNoFileOfOthersIsReached')
    latest = None

    def assign(self, context, module_data, stream):
        super(FallsBack, self).assign(context, module_data, stream)
        self.latest = module_data

    def get_read_stream(self, context, module_data):
        return io.BytesIO(self.objects.get(module_data, self.objects.get(self.latest)))


class MatchesThePrefix(MemoryStorage):
    """A name that was cut off finds the object that begins so."""
    caught_by = ('testDamagedModuleData', 'testForeignModuleDataReadsNothing')

    def get_read_stream(self, context, module_data):
        for known in self.objects:
            if known.startswith(module_data):
                return io.BytesIO(self.objects[known])
        raise KeyError(module_data)


class TrustsPaths(SimpleStorage):
    """It joins whatever it gets to its folder."""
    caught_by = ('testNoFileOfOthersIsReached',)

    def _path(self, module_data):
        return os.path.join(self.storage_dir, module_data)


class DeletesPaths(SimpleStorage):
    """It looks at what it gets before it reads, and not before it deletes."""
    caught_by = ('testNoFileOfOthersIsReached',)

    def delete(self, context, module_data):
        os.remove(os.path.join(self.storage_dir, module_data))


# Many threads, instances, processes, locations


class BoundToItsThread(MemoryStorage):
    """It serves only the thread that made it, as some database clients do."""
    caught_by = ('testManyThreads', 'testOneObjectIsWrittenWhileAnotherIs')

    def __init__(self, objects=None):
        super(BoundToItsThread, self).__init__(objects)
        self.thread = threading.current_thread()

    def new_data(self, context):
        if threading.current_thread() is not self.thread:
            raise RuntimeError('made in another thread')
        return super(BoundToItsThread, self).new_data(context)


class EmptyInOtherThreads(MemoryStorage):
    """What it opens in a thread other than the first has no content."""
    caught_by = ('testManyThreads', 'testReadersWhileReplaced')

    def __init__(self, objects=None):
        super(EmptyInOtherThreads, self).__init__(objects)
        self.thread = threading.current_thread()

    def get_read_stream(self, context, module_data):
        if threading.current_thread() is not self.thread:
            return io.BytesIO()
        return super(EmptyInOtherThreads, self).get_read_stream(context, module_data)


class DropsWhileBusy(MemoryStorage):
    """It forgets what it is given while it stores something else."""
    caught_by = ('testOneObjectIsWrittenWhileAnotherIs',)
    busy = False

    def assign(self, context, module_data, stream):
        if self.busy:
            return
        self.busy = True
        try:
            super(DropsWhileBusy, self).assign(context, module_data, stream)
        finally:
            self.busy = False


class OneBufferForAll(MemoryStorage):
    """Its instance keeps the bytes that are on their way."""
    caught_by = ('testOneObjectIsWrittenWhileAnotherIs', 'testOfTwoWritersOfOneObjectOneWins')

    def assign(self, context, module_data, stream):
        self.buffer = b''
        piece = stream.read(65536)
        while piece:
            self.buffer += piece
            piece = stream.read(65536)
        self.objects[module_data] = self.buffer


class OneTemporaryForAll(SimpleStorage):
    """All writers of an object use the same temporary."""
    caught_by = ('testOfTwoWritersOfOneObjectOneWins',)

    def assign(self, context, module_data, stream):
        path = self._path(module_data)
        with open(path + '.part', 'ab') as target:
            shutil.copyfileobj(stream, target)
        os.rename(path + '.part', path)


class RemembersWhatIsThere(SimpleStorage):
    """An instance knows only the objects that it has stored itself."""
    caught_by = ('testTwoInstancesShareTheStorage', 'testTwoProcessesShareTheStorage')

    def __init__(self, storage_dir):
        super(RemembersWhatIsThere, self).__init__(storage_dir)
        self.known = set()

    def assign(self, context, module_data, stream):
        super(RemembersWhatIsThere, self).assign(context, module_data, stream)
        self.known.add(module_data)

    def delete(self, context, module_data):
        super(RemembersWhatIsThere, self).delete(context, module_data)
        self.known.discard(module_data)

    def available(self, context, module_data):
        return module_data in self.known

    def get_read_stream(self, context, module_data):
        if module_data not in self.known:
            raise KeyError(module_data)
        return super(RemembersWhatIsThere, self).get_read_stream(context, module_data)


class RemembersSizesInTheProcess(SimpleStorage):
    """It remembers sizes for all instances of a process, where no other process changes them."""
    caught_by = ('testTwoProcessesShareTheStorage',)
    sizes = {}

    def assign(self, context, module_data, stream):
        super(RemembersSizesInTheProcess, self).assign(context, module_data, stream)
        self.sizes.pop(module_data, None)

    def get_size(self, context, module_data):
        if module_data not in self.sizes:
            size = super(RemembersSizesInTheProcess, self).get_size(context, module_data)
            self.sizes[module_data] = size
        return self.sizes[module_data]

    def delete(self, context, module_data):
        super(RemembersSizesInTheProcess, self).delete(context, module_data)
        self.sizes.pop(module_data, None)


class RemembersSizes(RemembersSizesInTheProcess):
    """An instance remembers sizes that another one has changed."""
    caught_by = ('testTwoInstancesShareTheStorage', 'testTwoProcessesShareTheStorage')

    def __init__(self, storage_dir):
        super(RemembersSizes, self).__init__(storage_dir)
        self.sizes = {}


class RemembersWhatItWrote(RemembersSizes):
    """An instance remembers the sizes of what it has written, though another may write it anew."""
    caught_by = ('testTwoInstancesShareTheStorage',)

    def assign(self, context, module_data, stream):
        super(RemembersWhatItWrote, self).assign(context, module_data, stream)
        self.sizes[module_data] = os.path.getsize(self._path(module_data))

    def get_size(self, context, module_data):
        known = self.sizes.get(module_data)
        return SimpleStorage.get_size(self, context, module_data) if known is None else known


class RemembersWhatItSaw(SimpleStorage):
    """An instance takes for there what once was there, unless it has deleted it itself."""
    caught_by = ('testTwoInstancesShareTheStorage',)

    def __init__(self, storage_dir):
        super(RemembersWhatItSaw, self).__init__(storage_dir)
        self.seen = set()

    def available(self, context, module_data):
        if super(RemembersWhatItSaw, self).available(context, module_data):
            self.seen.add(module_data)
        return module_data in self.seen

    def delete(self, context, module_data):
        super(RemembersWhatItSaw, self).delete(context, module_data)
        self.seen.discard(module_data)


class RemembersWhatWasNotThere(SimpleStorage):
    """An instance takes for missing what once was missing, unless it has written it itself."""
    caught_by = ('testTwoInstancesShareTheStorage',)

    def __init__(self, storage_dir):
        super(RemembersWhatWasNotThere, self).__init__(storage_dir)
        self.missing = set()

    def available(self, context, module_data):
        if not super(RemembersWhatWasNotThere, self).available(context, module_data):
            self.missing.add(module_data)
        return module_data not in self.missing

    def assign(self, context, module_data, stream):
        super(RemembersWhatWasNotThere, self).assign(context, module_data, stream)
        self.missing.discard(module_data)


class WithOpenFiles(SimpleStorage):
    """A module that writes in place, and whose instance has the names it works on in `busy`."""

    def __init__(self, storage_dir):
        super(WithOpenFiles, self).__init__(storage_dir)
        self.busy = set()

    def write(self, module_data, stream):
        """Write over what is there; a part stays if that fails."""
        path = self._path(module_data)
        with open(path, 'r+b' if os.path.exists(path) else 'wb') as target:
            shutil.copyfileobj(stream, target)
            target.truncate()


class HidesPartsFromItself(WithOpenFiles):
    """An instance hides the parts that it writes, and what has failed; another one sees them."""
    caught_by = ('testNotAvailableWhileWritten', 'testNoPartIsReadWhileWritten',
                 'testEarlierContentIsReadWhileReplaced', 'testBrokenStreamLeavesNothing',
                 'testInterruptedStreamLeavesNothing')

    def assign(self, context, module_data, stream):
        self.busy.add(module_data)
        self.write(module_data, stream)
        self.busy.remove(module_data)

    def available(self, context, module_data):
        there = super(HidesPartsFromItself, self).available(context, module_data)
        return there and module_data not in self.busy

    def refuse_parts(self, module_data):
        if module_data in self.busy:
            raise EnvironmentError(errno.EBUSY, 'not whole')

    def get_read_stream(self, context, module_data):
        self.refuse_parts(module_data)
        return super(HidesPartsFromItself, self).get_read_stream(context, module_data)

    def get_size(self, context, module_data):
        self.refuse_parts(module_data)
        return super(HidesPartsFromItself, self).get_size(context, module_data)


class SparesItsOwnReaders(WithOpenFiles):
    """An instance makes a new file where it has given out a stream itself; else it overwrites."""
    caught_by = ('testReplaceUnderAReader',)

    def get_read_stream(self, context, module_data):
        self.busy.add(module_data)
        return super(SparesItsOwnReaders, self).get_read_stream(context, module_data)

    def assign(self, context, module_data, stream):
        if module_data in self.busy:
            super(SparesItsOwnReaders, self).assign(context, module_data, stream)
        else:
            self.write(module_data, stream)


class ReadsInTheFirstProcess(SimpleStorage):
    """Its connection for reading does not come through a fork."""
    caught_by = ('testTwoProcessesShareTheStorage',)
    process = None

    def __init__(self, storage_dir):
        super(ReadsInTheFirstProcess, self).__init__(storage_dir)
        type(self).process = self.process or os.getpid()

    def get_read_stream(self, context, module_data):
        if os.getpid() != self.process:
            raise EnvironmentError(errno.ENOTCONN, 'not connected in this process')
        return super(ReadsInTheFirstProcess, self).get_read_stream(context, module_data)


class KeepsObjectsInTheProcess(SimpleStorage):
    """All instances of a process share what no other process sees."""
    caught_by = ('testTwoProcessesShareTheStorage',)
    shared = {}

    def __init__(self, storage_dir):
        super(KeepsObjectsInTheProcess, self).__init__(storage_dir)
        memory = MemoryStorage(self.shared.setdefault(storage_dir, {}))
        for name in ('assign', 'available', 'get_read_stream', 'delete', 'get_size'):
            setattr(self, name, getattr(memory, name))


class LastFolderWins(SimpleStorage):
    """It keeps its argument in the class: all instances move to the last storage."""
    caught_by = ('testInstancesOfTwoStoragesShareNothing', 'testReplicationToAnotherLocation',
                 'testModuleDataOfAnotherStorage')

    def __init__(self, storage_dir):
        type(self).storage_dir = storage_dir


class FirstFolderWins(SimpleStorage):
    """It keeps its argument in the class: all instances stay with the first storage."""
    caught_by = ('testModuleDataOfAnotherStorage', 'testReplicationToAnotherLocation')

    def __init__(self, storage_dir):
        kind = type(self)
        if not os.path.isdir(getattr(kind, 'storage_dir', '')):
            kind.storage_dir = storage_dir


class AvailableAnywhere(MemoryStorage):
    """What one instance has stored, all others say they have, until they delete it."""
    caught_by = ('testReplicationToAnotherLocation',)
    stored = set()

    def __init__(self, objects=None):
        super(AvailableAnywhere, self).__init__(objects)
        self.deleted = set()

    def assign(self, context, module_data, stream):
        super(AvailableAnywhere, self).assign(context, module_data, stream)
        self.stored.add(module_data)

    def available(self, context, module_data):
        return module_data in self.stored and module_data not in self.deleted

    def delete(self, context, module_data):
        super(AvailableAnywhere, self).delete(context, module_data)
        self.deleted.add(module_data)


class OnlyItsOwnNames(MemoryStorage):
    """It refuses the module_data of another location's instance."""
    caught_by = ('testReplicationToAnotherLocation',)

    def __init__(self, objects=None):
        super(OnlyItsOwnNames, self).__init__(objects)
        self.issued = set()

    def new_data(self, context):
        module_data = super(OnlyItsOwnNames, self).new_data(context)
        self.issued.add(module_data)
        return module_data

    def assign(self, context, module_data, stream):
        if module_data not in self.issued:
            raise KeyError(module_data)
        super(OnlyItsOwnNames, self).assign(context, module_data, stream)


# The class, the context, statistics


class ExtendsNothing(object):
    """It has the methods, and is no StorageModule."""
    caught_by = ('testExtendsStorageModule',)

    def __init__(self, objects=None):
        self.objects = {}
        memory = MemoryStorage(self.objects)
        for name in ('new_data', 'assign', 'available', 'get_read_stream', 'delete', 'get_size',
                     'statistics'):
            setattr(self, name, getattr(memory, name))


class OtherParameters(MemoryStorage):
    """Its parameters have names of its own."""
    caught_by = ('testParametersHaveTheNamesOfTheContract',)

    def get_size(self, ctx, data):
        return len(self.objects[data])


class HasNoSize(MemoryStorage):
    """It does not implement get_size."""
    caught_by = ('testSize', 'testParametersHaveTheNamesOfTheContract')

    def get_size(self, context, module_data):
        raise NotImplementedError('get_size')


class NeedsAContext(MemoryStorage):
    """It looks for functions that it could do without."""
    caught_by = ('testContextMayBeEmpty',)

    def assign(self, context, module_data, stream):
        context['func']['getModule']
        super(NeedsAContext, self).assign(context, module_data, stream)


class StatisticsAreText(MemoryStorage):
    """Its statistics are JSON already."""
    caught_by = ('testStatistics', 'testStatisticsHaveACapacity')

    def statistics(self, context):
        return '{"capacity": {"total": 3, "free": 2, "used": 1}}'


class StatisticsAreNoJson(MemoryStorage):
    """Its statistics hold what JSON can't express."""
    caught_by = ('testStatistics',)

    def statistics(self, context):
        return {'capacity': {'total': 3, 'free': 2, 'used': 1}, 'volumes': set(['a'])}


class WithCapacity(MemoryStorage):
    """A module with the `capacity` of its class."""

    def statistics(self, context):
        return {'capacity': self.capacity}


class CapacityIsText(WithCapacity):
    """Its numbers are texts."""
    caught_by = ('testStatisticsHaveACapacity',)
    capacity = {'total': '3', 'free': '2', 'used': '1'}


class CapacityIsFree(WithCapacity):
    """It leaves out what it does not know."""
    caught_by = ('testStatisticsHaveACapacity',)
    capacity = {'free': 2}


class CapacityIsShare(WithCapacity):
    """It counts shares of the whole, not bytes."""
    caught_by = ('testStatisticsHaveACapacity',)
    capacity = {'total': 1, 'free': 0.25, 'used': 0.75}


class CapacityIsSwapped(WithCapacity):
    """More is free than there is."""
    caught_by = ('testStatisticsHaveACapacity',)
    capacity = {'total': 2, 'free': 3, 'used': 1}


class CapacityIsOverused(WithCapacity):
    """More is used than there is."""
    caught_by = ('testStatisticsHaveACapacity',)
    capacity = {'total': 2, 'free': 1, 'used': 3}


class CapacityIsNegative(WithCapacity):
    """Its numbers have outgrown 32 bits."""
    caught_by = ('testStatisticsHaveACapacity',)
    capacity = {'total': -20, 'free': -30, 'used': -40}


class CapacityIsTrue(WithCapacity):
    """It tells whether there is any."""
    caught_by = ('testStatisticsHaveACapacity',)
    capacity = {'total': True, 'free': True, 'used': False}


class HasNoCapacity(MemoryStorage):
    """Its statistics lack what the platform shows."""
    caught_by = ('testStatisticsHaveACapacity',)

    def statistics(self, context):
        return {}


# What is left behind


class LeaksDescriptors(MemoryStorage):
    """A descriptor for each assign that fails stays open."""
    caught_by = ('testDescriptorsAreClosed',)

    def __init__(self, objects=None):
        super(LeaksDescriptors, self).__init__(objects)
        self.leaked = []

    def assign(self, context, module_data, stream):
        self.leaked.append(os.open(os.devnull, os.O_RDONLY))
        super(LeaksDescriptors, self).assign(context, module_data, stream)
        os.close(self.leaked.pop())

    def end(self):
        """Let go of what has leaked."""
        for fd in self.leaked:
            os.close(fd)


class LeaksThreads(MemoryStorage):
    """Each read stream has a thread, which never ends."""
    caught_by = ('testThreadsEnd',)

    def __init__(self, objects=None):
        super(LeaksThreads, self).__init__(objects)
        self.over, self.threads = threading.Event(), []

    def get_read_stream(self, context, module_data):
        stream = super(LeaksThreads, self).get_read_stream(context, module_data)
        self.threads.append(threading.Thread(target=self.over.wait))
        self.threads[-1].start()
        return stream

    def end(self):
        """Let go of what has leaked."""
        self.over.set()
        for thread in self.threads:
            thread.join()


class LeavesTemporaries(SimpleStorage):
    """What it wrote before the stream broke stays on the disk."""
    caught_by = ('testBrokenStreamLeavesNoTemporary', 'testNothingIsLeftInTheStorage',
                 'testPutFromBrokenStream')

    def assign(self, context, module_data, stream):
        path = self._path(module_data)
        temporary = path + '.' + uuid.uuid4().hex
        with open(temporary, 'wb') as target:
            shutil.copyfileobj(stream, target)
        os.rename(temporary, path)

    def put(self, context, stream):
        module_data = self.new_data(context)
        self.assign(context, module_data, stream)
        return module_data


class LeavesTemporariesAtAnInterrupt(LeavesTemporaries):
    """Only an Exception makes it clean up."""
    caught_by = ('testBrokenStreamLeavesNoTemporary', 'testPutFromBrokenStream')

    def assign(self, context, module_data, stream):
        path = self._path(module_data)
        temporary = path + '.' + uuid.uuid4().hex
        try:
            with open(temporary, 'wb') as target:
                shutil.copyfileobj(stream, target)
        except Exception:
            os.remove(temporary)
            raise
        os.rename(temporary, path)


class KeepsVersions(SimpleStorage):
    """What is replaced stays on the disk under another name."""
    caught_by = ('testReplacedContentIsNotLeftInTheStorage',)

    def assign(self, context, module_data, stream):
        path = self._path(module_data)
        if os.path.exists(path):
            shutil.copyfile(path, path + '.' + uuid.uuid4().hex)
        super(KeepsVersions, self).assign(context, module_data, stream)


# The 2012 revision


class PutReturnsNothing(MemoryStorage):
    """Its put stores, and does not say where."""
    caught_by = ('testPut',)

    def put(self, context, stream):
        super(PutReturnsNothing, self).put(context, stream)


class PutReturnsAPair(MemoryStorage):
    """What its put returns is no string, though it serves."""
    caught_by = ('testPut',)

    def put(self, context, stream):
        module_data = (super(PutReturnsAPair, self).new_data(context), 1)
        self.assign(context, module_data, stream)
        return module_data


class PutHasNoSize(MemoryStorage):
    """Only assign keeps the size of what it stores."""
    caught_by = ('testPut',)

    def __init__(self, objects=None):
        super(PutHasNoSize, self).__init__(objects)
        self.sizes = {}

    def assign(self, context, module_data, stream):
        super(PutHasNoSize, self).assign(context, module_data, stream)
        self.sizes[module_data] = len(self.objects[module_data])

    def get_size(self, context, module_data):
        return self.sizes[module_data]

    def put(self, context, stream):
        module_data = self.new_data(context)
        self.objects[module_data] = self.take(stream)
        return module_data


class PutsEqualContentOnce(MemoryStorage):
    """Equal contents get one module_data, so that one delete destroys two objects."""
    caught_by = ('testPut',)

    def put(self, context, stream):
        data = self.take(stream)
        for module_data in self.objects:
            if self.objects[module_data] == data:
                return module_data
        return super(PutsEqualContentOnce, self).put(context, io.BytesIO(data))


class PutSwallowsErrors(MemoryStorage):
    """For a stream that breaks it returns the name of nothing."""
    caught_by = ('testPutFromBrokenStream',)

    def put(self, context, stream):
        try:
            return super(PutSwallowsErrors, self).put(context, stream)
        except Exception:
            return self.new_data(context)


class PutSwallowsInterrupts(MemoryStorage):
    """For a stream that is interrupted it returns the name of nothing."""
    caught_by = ('testPutFromBrokenStream',)

    def put(self, context, stream):
        try:
            return super(PutSwallowsInterrupts, self).put(context, stream)
        except Exception:
            raise
        except:
            return self.new_data(context)


class CapabilitiesAreAList(MemoryStorage):
    """Its capabilities are names."""
    caught_by = ('testCapabilities',)

    def capabilities(self, context):
        return ['cdmi_encryption']


class CapabilitiesAreNoJson(MemoryStorage):
    """Its capabilities hold what JSON can't express."""
    caught_by = ('testCapabilities',)

    def capabilities(self, context):
        return {'cdmi_encryption': set(['AES_CBC_256'])}


def all_modules():
    """Return the classes of all broken modules, in the order of this file's names."""
    return [kind for _, kind in sorted(globals().items()) if hasattr(kind, 'caught_by')]
