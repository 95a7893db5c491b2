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
    caught_by = ('testBrokenStreamLeavesEarlierContent',)

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
                 'testReplicationToAnotherLocation', 'testInstancesOfTwoStoragesShareNothing',
                 'testModuleDataOfAnotherStorage')

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


class MissingIsEmpty(MemoryStorage):
    """An object that is not there reads as an empty one."""
    caught_by = ('testReadMissingRaises', 'testSizeOfMissingRaises', 'testDeleteTwice',
                 'testDelete', 'testForeignModuleDataReadsNothing', 'testDamagedModuleData',
                 'testNoFileOfOthersIsReached')

    def get_read_stream(self, context, module_data):
        return io.BytesIO(self.objects.get(module_data, b''))

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


class CopiesLinks(WithReader):
    """An assign from a stream of its own moves the object."""
    caught_by = ('testCopyOnTheServer',)

    class reader(WrappedReader):
        pass

    def get_read_stream(self, context, module_data):
        stream = super(CopiesLinks, self).get_read_stream(context, module_data)
        stream.source = module_data
        return stream

    def assign(self, context, module_data, stream):
        super(CopiesLinks, self).assign(context, module_data, stream)
        self.objects.pop(getattr(stream, 'source', None), None)


class SizeIsText(MemoryStorage):
    """get_size returns what it found in a header."""
    caught_by = ('testSize',)

    def get_size(self, context, module_data):
        return str(len(self.objects[module_data]))


class SizeOfTheFirst(MemoryStorage):
    """It remembers sizes, and an object that is assigned again keeps the first."""
    caught_by = ('testWriteAgainReplaces',)

    def __init__(self, objects=None):
        super(SizeOfTheFirst, self).__init__(objects)
        self.sizes = {}

    def get_size(self, context, module_data):
        return self.sizes.setdefault(module_data, len(self.objects[module_data]))


# delete


class DeletesNothing(MemoryStorage):
    """Its delete does nothing."""
    caught_by = ('testDelete', 'testNothingIsLeftInTheStorage')

    def delete(self, context, module_data):
        pass


class DeletesEqualContent(MemoryStorage):
    """All objects of the same content go at once: it deduplicates, and does not count."""
    caught_by = ('testDeleteLeavesOthers',)

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
    caught_by = ('testForeignModuleDataDestroysNothing',)

    def delete(self, context, module_data):
        for other in list(self.objects):
            if other.startswith(module_data[:2]):
                del self.objects[other]


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


class KnowsItsOwnText(MemoryStorage):
    """It accepts the very object that new_data returned, and no other of the same text."""
    caught_by = ('testModuleDataComesBackAsOtherText',)

    def __init__(self, objects=None):
        super(KnowsItsOwnText, self).__init__(objects)
        self.issued = []

    def new_data(self, context):
        self.issued.append(super(KnowsItsOwnText, self).new_data(context))
        return self.issued[-1]

    def available(self, context, module_data):
        return any(module_data is issued for issued in self.issued) and module_data in self.objects


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
    """A stream that breaks is the end of the object."""
    caught_by = ('testPutFromBrokenStream',)

    def put(self, context, stream):
        try:
            return super(PutSwallowsErrors, self).put(context, stream)
        except Exception:
            return super(PutSwallowsErrors, self).put(context, io.BytesIO(b''))


class CapabilitiesAreAList(MemoryStorage):
    """Its capabilities are names."""
    caught_by = ('testCapabilities',)

    def capabilities(self, context):
        return ['cdmi_encryption']


def all_modules():
    """Return the classes of all broken modules, in the order of this file's names."""
    return [kind for _, kind in sorted(globals().items()) if hasattr(kind, 'caught_by')]
