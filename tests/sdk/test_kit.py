"""The conformance kit: it catches every fault, names the promise, and refuses no correct module."""

import inspect
import io
import os
import re
import shutil
import tempfile
import threading

import modules
from simple.simple import SimpleStorage
from tests import StorageModuleTestBase, Stream, StreamError, content
from tests.kit import contract, together
from tests.kit.memory import MemoryStorage
from tests.kit.streams import FILES, DribblingStream, FalteringStream, MeasuringStream
from tests.sdk import broken
from tests.support import mock, open_descriptors, unittest

METHODS = ('new_data', 'assign', 'available', 'get_read_stream', 'delete', 'get_size', 'statistics')

CHECKS = sorted(name for name in dir(StorageModuleTestBase) if name.startswith('test'))


class MemoryCase(StorageModuleTestBase):
    """What a suite of a module in memory supplies; `module` is its class."""

    module = MemoryStorage
    made = ()

    def setUp(self):
        self.made = []
        super(MemoryCase, self).setUp(self.makeConnectorElsewhere())

    def tearDown(self):
        for connector in self.made:
            getattr(connector, 'end', lambda: None)()

    def makeConnectorElsewhere(self):
        self.made.append(self.module())
        return self.made[-1]

    def listStorage(self):
        return list(self.connector.objects)

    def compareWrittenData(self, module_data, data):
        self._expectSame(data, bytes(self.connector.objects.get(module_data, b'')), 'the storage')


class FolderCase(StorageModuleTestBase):
    """What a suite of a module in a folder supplies; `module` is its class."""

    module = SimpleStorage

    def setUp(self):
        self.folders = []
        super(FolderCase, self).setUp(self.makeConnectorElsewhere())

    def tearDown(self):
        for folder in self.folders:
            shutil.rmtree(folder)

    def makeConnector(self):
        return self.module(self.folders[0])

    def makeConnectorElsewhere(self):
        self.folders.append(tempfile.mkdtemp(prefix='kit-test-'))
        return self.module(self.folders[-1])

    def listStorage(self):
        return os.listdir(self.folders[0])


def case_of(module, **members):
    """Return a test case for the class `module`."""
    base = FolderCase if issubclass(module, SimpleStorage) else MemoryCase
    return type('%sTest' % module.__name__, (base, unittest.TestCase),
                dict(members, module=module))


def run(case, names):
    """Run the checks `names` of a test case; return texts of what failed, by the check."""
    result = unittest.TestResult()
    unittest.TestSuite(case(name) for name in names).run(result)
    return dict((test.id().rsplit('.', 1)[1], text)
                for test, text in result.failures + result.errors)


def normal(text):
    return ' '.join(text.split())


class BrokenModulesTest(unittest.TestCase):

    def test_each_is_caught_by_the_checks_meant_for_it(self):
        for module in broken.all_modules():
            failed = run(case_of(module), module.caught_by)
            self.assertEqual(sorted(module.caught_by), sorted(failed),
                             '%s: %s' % (module.__name__, module.__doc__))
            for name in failed:
                for sentence in getattr(StorageModuleTestBase, name).sentences:
                    self.assertTrue('The contract says: "%s"' % sentence in failed[name],
                                    failed[name])

    def test_there_is_one_for_each_check(self):
        caught = set(name for module in broken.all_modules() for name in module.caught_by)
        self.assertEqual([], [name for name in CHECKS if name not in caught])
        self.assertEqual([], [name for name in caught if name not in CHECKS])
        self.assertTrue(len(broken.all_modules()) > 60)

    def test_each_parameter_of_each_method_is_called_by_its_name(self):
        name = 'testParametersHaveTheNamesOfTheContract'
        for method in METHODS:
            def other(self, *values, **named):
                assert not values
                return original(self, *[named[parameter] for parameter in parameters])
            original = getattr(MemoryStorage, method)
            parameters = list(original.__code__.co_varnames[1:original.__code__.co_argcount])
            kind = type('Other', (MemoryStorage,), {method: other})
            self.assertEqual({}, run(case_of(kind), [name]))
            for index, parameter in enumerate(parameters):
                parameters[index] += '_'
                self.assertEqual([name], list(run(case_of(kind), [name])), method)
                parameters[index] = parameter

    def test_each_method_is_called_without_a_context(self):
        name = 'testContextMayBeEmpty'
        for method in METHODS:
            def other(self, context, *rest):
                context['func']
                return original(self, context, *rest)
            original = getattr(MemoryStorage, method)
            kind = type('Other', (MemoryStorage,), {method: other})
            self.assertEqual([name], list(run(case_of(kind), [name])), method)

    def test_each_breaks_something_in_a_correct_module(self):
        for module in (MemoryStorage, SimpleStorage):
            self.assertEqual({}, run(case_of(module), CHECKS))


class CorrectModulesTest(unittest.TestCase):
    """The kit accepts each choice that the contract leaves."""

    def passes(self, module, **members):
        self.assertEqual({}, run(case_of(module, **members), CHECKS))

    def fails(self, name, module, **members):
        self.assertEqual([name], list(run(case_of(module, **members), [name])))

    def test_one_that_raises_for_a_missing_object_on_delete(self):
        class Raising(MemoryStorage):
            def delete(self, context, module_data):
                del self.objects[module_data]
        self.passes(Raising)
        self.passes(Raising, deleteOfMissingRaises=True)
        self.fails('testDeleteTwice', Raising, deleteOfMissingRaises=False)
        self.fails('testDeleteTwice', MemoryStorage, deleteOfMissingRaises=True)
        self.fails('testDeleteOfWhatWasNeverWritten', MemoryStorage, deleteOfMissingRaises=True)

    def test_one_whose_readers_die_with_the_object(self):
        class Dying(MemoryStorage):
            def get_read_stream(self, context, module_data):
                return DyingReader(self.objects, module_data)
        self.passes(Dying)
        self.passes(Dying, readersOutliveDelete=False, readersOutliveAssign=False)
        self.fails('testDeleteUnderAReader', Dying, readersOutliveDelete=True)
        self.fails('testReplaceUnderAReader', Dying, readersOutliveAssign=True)
        self.fails('testDeleteUnderAReader', MemoryStorage, readersOutliveDelete=False)

    def test_one_whose_readers_return_less_than_asked(self):
        class Short(MemoryStorage):
            def get_read_stream(self, context, module_data):
                return ShortReader(self.objects[module_data])
        self.passes(Short)

    @mock.patch('tests.kit.together.PATIENCE', 0.1)
    def test_one_that_lets_others_wait_for_an_assign(self):
        class Locking(MemoryStorage):
            lock = threading.Lock()

            def assign(self, context, module_data, stream):
                with self.lock:
                    super(Locking, self).assign(context, module_data, stream)

            def available(self, context, module_data):
                with self.lock:
                    return super(Locking, self).available(context, module_data)

            def get_read_stream(self, context, module_data):
                with self.lock:
                    return super(Locking, self).get_read_stream(context, module_data)
        self.passes(Locking)

    def test_one_that_raises_for_module_data_that_is_not_its_own(self):
        class Strict(MemoryStorage):
            def available(self, context, module_data):
                if not re.match('[0-9a-f]{32}$', module_data):
                    raise ValueError('not a module_data: %r' % module_data)
                return super(Strict, self).available(context, module_data)
        self.passes(Strict)

    def test_one_that_numbers_its_objects(self):
        class Numbering(MemoryStorage):
            number = 0

            def new_data(self, context):
                Numbering.number += 1
                return str(Numbering.number)
        self.passes(Numbering)

    def test_one_whose_module_data_holds_more_than_the_name(self):
        class Talking(MemoryStorage):
            def new_data(self, context):
                return super(Talking, self).new_data(context) + ' made by version 7'

            def assign(self, context, module_data, stream):
                super(Talking, self).assign(context, self.name(module_data), stream)

            def available(self, context, module_data):
                return self.name(module_data) in self.objects

            def get_read_stream(self, context, module_data):
                return io.BytesIO(self.objects[self.name(module_data)])

            def get_size(self, context, module_data):
                return len(self.objects[self.name(module_data)])

            def delete(self, context, module_data):
                self.objects.pop(self.name(module_data), None)

            def name(self, module_data):
                return re.match('([0-9a-f]{32}) made by [a-z0-9]+ [0-9a-f]$', module_data).group(1)
        self.passes(Talking, compareWrittenData=StorageModuleTestBase.compareWrittenData)

    def test_one_of_the_first_revision_only(self):
        class First(MemoryStorage):
            put = capabilities = None
        self.passes(First)

    def test_one_that_keeps_a_descriptor_and_a_thread(self):
        class Pooling(MemoryStorage):
            fd, lock = None, threading.Lock()

            def assign(self, context, module_data, stream):
                with self.lock:
                    if self.fd is None:
                        self.fd, self.over = os.open(os.devnull, os.O_RDONLY), threading.Event()
                        self.thread = threading.Thread(target=self.over.wait)
                        self.thread.start()
                super(Pooling, self).assign(context, module_data, stream)

            def end(self):
                if self.fd is not None:
                    os.close(self.fd)
                    self.over.set()
                    self.thread.join()
        before = open_descriptors()
        self.passes(Pooling)
        self.assertEqual(before, open_descriptors())

    def test_one_that_extends_another_needs_its_context(self):
        below = MemoryStorage()

        class Extending(MemoryStorage):
            def assign(self, context, module_data, stream):
                context['func']['getModule']('below').assign(context, module_data, stream)

            def get_read_stream(self, context, module_data):
                return context['func']['getModule']('below').get_read_stream(context, module_data)

        def setUp(self):
            context = {'func': {'getModule': {'below': below}.__getitem__}}
            StorageModuleTestBase.setUp(self, Extending(below.objects), context)
        self.passes(Extending, setUp=setUp, makeConnectorElsewhere=lambda self: None,
                    listStorage=lambda self: list(below.objects))

    def test_the_hooks_are_optional(self):
        class Least(StorageModuleTestBase, unittest.TestCase):
            def makeConnector(self):
                return MemoryStorage()
        # Its instances share nothing, and it says that they do.
        self.assertEqual(['testTwoInstancesShareTheStorage', 'testTwoProcessesShareTheStorage'],
                         sorted(run(Least, CHECKS)))

        class Fewest(StorageModuleTestBase, unittest.TestCase):
            def setUp(self):
                super(Fewest, self).setUp(MemoryStorage())
        self.assertEqual({}, run(Fewest, CHECKS))


class DyingReader(object):
    """A stream that raises once its object has changed."""

    def __init__(self, objects, module_data):
        self.objects, self.module_data = objects, module_data
        self.data = objects[module_data]
        self.stream = io.BytesIO(self.data)

    def read(self, size=-1):
        if self.objects.get(self.module_data) is not self.data:
            raise IOError('the object has changed')
        return self.stream.read(size)

    def seek(self, *where):
        self.stream.seek(*where)

    def close(self):
        self.stream.close()


class ShortReader(io.BytesIO):
    """A stream of a network: a read with a size returns what is there."""

    def read(self, size=-1):
        return io.BytesIO.read(self, min(size, 30000))


class OldSuitesTest(unittest.TestCase):
    """Suites written for the published SDK run unchanged, in each likely form."""

    def run_whole(self, case):
        result = unittest.TestResult()
        names = unittest.TestLoader().getTestCaseNames(case)
        unittest.TestLoader().loadTestsFromTestCase(case).run(result)
        self.assertEqual([], [text for _, text in result.failures + result.errors])
        self.assertEqual(len(names), result.testsRun)
        return names

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='kit-test-')
        self.addCleanup(shutil.rmtree, self.folder)

    def compare(self):
        folder = self.folder

        def compareWrittenData(self, module_data, data):
            with open(os.path.join(folder, module_data), 'rb') as written:
                self.assertEqual(written.read(), data)
        return compareWrittenData

    def assert_published_names(self, names):
        for name in ('testWrite', 'testWriteThenRead', 'testAvailable', 'testNotAvailable'):
            self.assertTrue(name in names, name)
        self.assertEqual(set(CHECKS), set(names) & set(CHECKS))

    def test_the_mixin_before_the_test_case(self):
        folder = self.folder

        class OldTest(StorageModuleTestBase, unittest.TestCase):
            def setUp(self):
                super(OldTest, self).setUp(SimpleStorage(folder), {})
            compareWrittenData = self.compare()
        self.assert_published_names(self.run_whole(OldTest))

    def test_the_mixin_after_the_test_case(self):
        folder = self.folder

        class OldTest(unittest.TestCase, StorageModuleTestBase):
            def setUp(self):
                StorageModuleTestBase.setUp(self, SimpleStorage(storage_dir=folder), {})
            compareWrittenData = self.compare()
        self.assert_published_names(self.run_whole(OldTest))

    def test_setUp_by_keywords_with_a_context_and_a_tearDown(self):
        folder, ended, asked = self.folder, [], object()

        class OldTest(StorageModuleTestBase, unittest.TestCase):
            def setUp(self):
                unittest.TestCase.setUp(self)
                StorageModuleTestBase.setUp(self, connector=SimpleStorage(folder),
                                            extra_context={'func': {'getModule': asked}})

            def tearDown(self):
                ended.append(self.context['func']['getModule'] is asked)
            compareWrittenData = self.compare()
        self.assertEqual([True] * len(self.run_whole(OldTest)), ended)

    def test_tests_of_its_own_that_replace_and_use_ours(self):
        folder, called = self.folder, []

        class OldTest(StorageModuleTestBase, unittest.TestCase):
            def setUp(self):
                super(OldTest, self).setUp(SimpleStorage(folder), {})
            compareWrittenData = self.compare()

            def testWrite(self):
                called.append('testWrite')
                module_data = self.connector.new_data(self.context)
                self.connector.assign(self.context, module_data, io.BytesIO(b'data'))
                self.compareWrittenData(module_data, b'data')

            def testWriteThenRead(self):
                super(OldTest, self).testWriteThenRead()
                called.append('testWriteThenRead')

            def testMore(self):
                self.testAvailable()
                self.testNotAvailable()
                called.append('testMore')
        names = self.run_whole(OldTest)
        self.assert_published_names(names)
        self.assertTrue('testMore' in names)
        self.assertEqual(['testMore', 'testWrite', 'testWriteThenRead'], sorted(called))

    def test_a_base_class_of_several_suites(self):
        class OldBase(StorageModuleTestBase):
            def setUp(self):
                super(OldBase, self).setUp(self.make(), {})
            compareWrittenData = self.compare()

        class OldTest(OldBase, unittest.TestCase):
            folder = self.folder

            def make(self):
                return SimpleStorage(self.folder)
        self.assert_published_names(self.run_whole(OldTest))


class MessagesTest(unittest.TestCase):

    def test_each_check_quotes_the_documentation_of_modules(self):
        text = normal(modules.__doc__ + ' '.join(
            method.__doc__ for _, method in inspect.getmembers(modules.StorageModule)
            if method.__doc__) + modules.StorageModule.__doc__)
        for name in CHECKS:
            sentences = getattr(StorageModuleTestBase, name).sentences
            self.assertTrue(sentences, name)
            for sentence in sentences:
                self.assertTrue(sentence in text, sentence)

    def test_every_sentence_is_proved_by_a_check(self):
        proved = set(sentence for name in CHECKS
                     for sentence in getattr(StorageModuleTestBase, name).sentences)
        for name, sentence in sorted(vars(contract).items()):
            if name.isupper():
                self.assertTrue(sentence in proved, name)

    def test_an_unexpected_exception_shows_its_traceback(self):
        text = run(case_of(broken.HasNoSize), ['testSize'])['testSize']
        for part in ('It raised what it must not: NotImplementedError: get_size\n',
                     'NotImplementedError: get_size', 'in get_size',
                     'The contract says: "Return the number of bytes of the object."'):
            self.assertTrue(part in text, text)

    def test_megabytes_are_not_printed(self):
        text = run(case_of(broken.EndsAtEightMebibytes),
                   ['testWriteManyMebibytesThenRead'])['testWriteManyMebibytesThenRead']
        self.assertTrue(len(text) < 2000, text[:5000])
        self.assertTrue('9437185 bytes' in text and '8388608 bytes' in text, text)

    def test_a_hook_may_skip(self):
        class Skipping(MemoryCase, unittest.TestCase):
            def compareWrittenData(self, module_data, data):
                self.skipTest('not here')
        result = unittest.TestResult()
        Skipping('testWrite').run(result)
        self.assertEqual(['not here'], [reason for _, reason in result.skipped])
        self.assertTrue(result.wasSuccessful())


class WithoutAModuleTest(unittest.TestCase):
    """A suite that hands over no instance is told so by one error, and by nothing else."""

    def assert_told(self, case, *parts):
        for turn in range(2):
            result = unittest.TestResult()
            unittest.TestLoader().loadTestsFromTestCase(case).run(result)
            self.assertEqual([], result.failures)
            (_, text), = result.errors
            for part in parts:
                self.assertTrue(part in text.splitlines()[-1], text)
            self.assertFalse('The contract says' in text, text)
            self.assertEqual(len(CHECKS) - 1, len(result.skipped))
            self.assertTrue(set(reason for _, reason in result.skipped)
                            <= set([text.splitlines()[-1].split(': ', 1)[1]]))

    def test_one_that_supplies_nothing(self):
        class Nothing(StorageModuleTestBase, unittest.TestCase):
            pass
        self.assert_told(Nothing, 'Nothing', 'supply makeConnector, or give setUp an instance')

    def test_one_whose_setUp_does_not_call_ours(self):
        class Silent(StorageModuleTestBase, unittest.TestCase):
            def setUp(self):
                self.folder = None

            def makeConnector(self):
                return MemoryStorage()
        self.assert_told(Silent, 'Silent', 'supply makeConnector, or give setUp an instance')

    def test_one_whose_bases_are_in_the_wrong_order(self):
        class Late(unittest.TestCase, StorageModuleTestBase):
            def makeConnector(self):
                return MemoryStorage()
        self.assert_told(Late, '`class Late(StorageModuleTestBase, unittest.TestCase)`')

    def test_one_of_the_wrong_order_whose_setUp_gives_an_instance(self):
        class Late(unittest.TestCase, StorageModuleTestBase):
            def setUp(self):
                super(Late, self).setUp(MemoryStorage())
        self.assert_told(Late, '`class Late(StorageModuleTestBase, unittest.TestCase)`',
                         'setUp() takes')

    def test_the_suites_of_a_base_are_told_each(self):
        class Base(StorageModuleTestBase):
            pass

        class One(Base, unittest.TestCase):
            pass

        class Two(One):
            pass
        self.assert_told(One, 'One')
        self.assert_told(Two, 'Two')

    def test_other_errors_of_a_setUp_are_its_own(self):
        for error in (TypeError, ValueError):
            class Failing(StorageModuleTestBase, unittest.TestCase):
                def setUp(self):
                    raise error('not made')
            self.assertTrue('Error: not made\n' in run(Failing, ['testWrite'])['testWrite'])

        class Late(unittest.TestCase, StorageModuleTestBase):
            def setUp(self):
                StorageModuleTestBase.setUp(self, MemoryStorage())
                raise TypeError('not made')
        self.assertTrue('TypeError: not made\n' in run(Late, ['testWrite'])['testWrite'])


class TogetherTest(unittest.TestCase):

    def test_a_process_answers_or_tells_what_went_wrong(self):
        self.assertEqual(([1, 'x'], ''), tuple(together.in_process(lambda: [1, 'x'])))
        answer, problem = together.in_process(lambda: {}['missing'])
        self.assertTrue(answer is None and "KeyError: 'missing'" in problem, problem)
        self.assertEqual((None, 'the process died'), together.in_process(lambda: os._exit(0)))

    def test_threads_tell_what_went_wrong(self):
        self.assertEqual([], together.in_threads([lambda: None] * 3))
        problem, = together.in_threads([lambda: None, lambda: {}['missing']])
        self.assertTrue("KeyError: 'missing'" in problem, problem)

    def test_a_question_has_the_result_of_its_call(self):
        answered, failed = together.Question(lambda: 3), together.Question(lambda: {}['missing'])
        self.assertTrue(answered.wait(60) and failed.wait(60))
        self.assertEqual(3, answered.result())
        self.assertRaises(KeyError, failed.result)

    def test_a_thread_that_is_stuck_is_told(self):
        over = threading.Event()
        with mock.patch('tests.kit.together.DEADLOCK', 0.01):
            problem, = together.in_threads([over.wait])
        over.set()
        self.assertTrue('still runs' in problem, problem)

    def test_a_module_that_no_suite_has_registered_is_told(self):
        case = case_of(MemoryStorage)('testWrite')
        case.setUp()
        self.assertRaises(KeyError, case.context['func']['getModule'], 'other')


class StreamsTest(unittest.TestCase):

    def test_contents_have_no_block_twice(self):
        data = content(400000)
        blocks = [data[start:start + 4] for start in range(0, len(data), 4)]
        self.assertEqual(len(blocks), len(set(blocks)))
        for size in (0, 1, 5, 4096):
            self.assertEqual(data[:size], content(size))
            self.assertEqual(data[4:][:size], content(size, first=1))

    def test_a_stream_gives_its_data_in_pieces_and_ends(self):
        for stream in (Stream(b'abcdef', most=4), DribblingStream(b'abcdef', 1)):
            pieces = [stream.read(3) for _ in range(9)]
            self.assertEqual(b'abcdef', b''.join(pieces))
            self.assertTrue(max(len(piece) for piece in pieces) <= 3)
            self.assertEqual(b'', stream.read())

    def test_a_stream_that_breaks_gives_its_data_first(self):
        stream = Stream(b'abc', 2, StreamError)
        self.assertEqual([b'ab', b'c'], [stream.read(9), stream.read(9)])
        self.assertRaises(StreamError, stream.read, 9)

    def test_a_stream_that_falters_returns_what_is_odd_once_and_goes_on(self):
        stream = FalteringStream(b'abcdef', None)
        self.assertEqual([b'abc', None, b'def', b'', b''], [stream.read(9) for _ in range(5)])

    def test_a_stream_keeps_the_sizes_that_it_was_asked_for(self):
        stream = MeasuringStream(b'')
        for arguments in ((), (-1,), (None,), (7,)):
            stream.read(*arguments)
        self.assertEqual([-1, -1, -1, 7], stream.sizes)

    def test_files_give_their_data(self):
        folder = tempfile.mkdtemp(prefix='kit-test-')
        self.addCleanup(shutil.rmtree, folder)
        self.assertEqual(6, len(FILES))
        for name, make in FILES:
            stream = make(content(100000), folder)
            self.assertEqual(content(100000), stream.read(70000) + stream.read(), name)
            stream.close()
