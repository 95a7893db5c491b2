"""`module_data`: what we generate, and that nothing else is ever made a path."""

import json
import os
import re

from mezeo_fsstore import InvalidModuleData, StorageError
from tests import Stream
from tests.support import RootTestCase, mock, run_python

NAME = '0123456789abcdef' * 2
GOOD = '012/' + NAME


class GenerateTest(RootTestCase):

    def test_it_is_json_with_a_path_of_128_random_bits(self):
        module_data = self.storage.new_data(None)
        path = json.loads(module_data)['path']
        self.assertEqual('{"path": "%s"}' % path, module_data)
        self.assertTrue(re.match('[0-9a-f]{3}/[0-9a-f]{32}$', path), path)

    def test_it_touches_nothing(self):
        with mock.patch('mezeo_fsstore.disk.os') as system:
            self.storage.new_data(None)
        self.assertEqual([], system.mock_calls)
        self.assertEqual([], os.listdir(self.root))

    def test_it_is_the_system_that_gives_the_randomness(self):
        with mock.patch('os.urandom', return_value=b'\x01\x23' * 8) as urandom:
            self.assertEqual('{"path": "012/%s"}' % ('0123' * 8), self.storage.new_data(None))
        urandom.assert_called_once_with(16)

    def test_a_forked_child_makes_other_names(self):
        program = ('import os\n'
                   'from mezeo_fsstore import FilesystemStorage\n'
                   'storage = FilesystemStorage(root=%r)\n'
                   'storage.new_data(None)\n'
                   'os.fork()\n'
                   'os.write(1, (storage.new_data(None) + "\\n").encode("ascii"))\n' % self.root)
        status, output, errors = run_python('-c', program)
        self.assertEqual((0, b''), (status, errors))
        self.assertEqual(2, len(set(output.splitlines())))

    def test_names_spread_over_the_shards(self):
        shards = set(self.storage.new_data(None)[10:13] for _ in range(20000))
        self.assertTrue(len(shards) > 4000, '%d of 4096 shards' % len(shards))


class ParseTest(RootTestCase):

    bad_paths = [
        '', '.', '..', '/', '/etc/passwd', '../' + GOOD, GOOD + '/..', GOOD + '/', '/' + GOOD,
        './' + GOOD, '012//' + NAME, '012/' + NAME + '\n', '012/' + NAME + '\0', '\0', GOOD + ' ',
        GOOD.upper(), '012/' + NAME[:-1], GOOD + '0', '01/' + NAME, '0123/' + NAME, NAME,
        '012/.' + NAME, '012/.%s.%s' % (NAME, NAME[:16]), '.mezeo_fsstore', '012', '012/',
        '012\\' + NAME, u'\u0660\u0661\u0662/' + NAME, u'012/' + NAME[:-1] + u'\uff10',
        None, 5, 1.5, True, [], {}, [GOOD], {'path': GOOD}]

    bad_texts = [
        '', ' ', GOOD, '"%s"' % GOOD, '[]', '{}', 'null', '5', '{"path"}', '["path"]', '{"path": ',
        '{"Path": "%s"}' % GOOD, "{'path': '%s'}" % GOOD, '\0', '\xff', u'\ud800', 'NaN',
        '{"path": "%s"} x' % GOOD, '[' * 512, '{"path":' * 64, '9' * 512,
        '[' * 4096, '9' * 4096, '[' * 10000000,
        '{"path": "%s", "x": "%s"}' % (GOOD, 'x' * 5000)]

    bad_types = [None, 5, 1.5, True, [], {}, {'path': GOOD}, object(), bytearray(b'{}')]

    def test_nothing_but_what_we_could_have_generated_is_accepted(self):
        bad = [json.dumps({'path': path}) for path in self.bad_paths]
        for module_data in bad + self.bad_texts + self.bad_types:
            for call in (self.storage.available, self.storage.get_read_stream,
                         self.storage.get_size, self.storage.delete):
                self.refused(call, module_data)
            self.refused(self.storage.assign, module_data, Stream(b'content'))
        self.assertEqual([], os.listdir(self.root))
        self.assertEqual(['root'], os.listdir(self.folder))

    def refused(self, call, module_data, *arguments):
        error = self.raised(InvalidModuleData, call, None, module_data, *arguments)
        self.assertTrue(isinstance(error, StorageError) and isinstance(error, ValueError))
        self.assertTrue(str(error).startswith('module_data ') and 'expected' in str(error))
        self.assertTrue(len(str(error)) < 700, 'the message grows with the input')

    def test_a_refusal_shows_the_first_eighty_characters_or_the_type(self):
        for bad, shown in (('x' * 81, repr('x' * 80) + ' is not JSON; '),
                           (5, repr(int) + ' is not text; '),
                           (' ' * 513, repr(' ' * 80) + ' is longer than 512 characters; '),
                           ('{}', repr('{}') + ' holds no path of an object; ')):
            error = self.raised(InvalidModuleData, self.storage.get_size, None, bad)
            self.assertTrue(str(error).startswith('module_data %sexpected what ' % shown), error)

    def test_bytes_are_refused_where_they_are_no_text(self):
        if str is not bytes:
            self.refused(self.storage.get_size, b'{"path": "%s"}' % GOOD.encode('ascii'))

    def test_one_that_is_long_is_not_even_parsed(self):
        with mock.patch('json.loads') as loads:
            for size in (513, 10 ** 8):
                self.refused(self.storage.get_size, ' ' * size)
        self.assertFalse(loads.called)

    def test_one_of_512_characters_is_accepted(self):
        module_data = self.put()
        longest = '%s, "x": "%s"}' % (module_data[:-1], 'x' * (512 - len(module_data) - 9))
        self.assertEqual(512, len(longest))
        self.assertEqual(b'content', self.get(longest))

    def test_our_own_spelling_needs_no_parser(self):
        module_data = self.put()
        for ours in (module_data, u'%s' % module_data):
            with mock.patch('json.loads', side_effect=AssertionError('it is parsed')):
                self.assertEqual(b'content', self.get(ours))

    def test_json_that_is_too_deep_for_the_stack_of_a_host_is_refused(self):
        with mock.patch('json.loads', side_effect=RuntimeError('maximum recursion depth exceeded')):
            self.refused(self.storage.get_size, '{}')

    def test_an_interrupt_of_the_parser_is_no_bad_module_data(self):
        for interrupt in (KeyboardInterrupt, MemoryError):
            with mock.patch('json.loads', side_effect=interrupt):
                self.raised(interrupt, self.storage.get_size, None, '{}')

    def test_deep_nesting_does_not_overflow_the_stack_of_a_small_thread(self):
        # Apache's `stack-size` gives its threads little. An overflow would end the process.
        program = ('import threading\n'
                   'from mezeo_fsstore import FilesystemStorage, InvalidModuleData\n'
                   'storage = FilesystemStorage(root=%r)\n'
                   'def call():\n'
                   '    for bad in "[" * 512, \'{"a":\' * 100, "[" * 4096:\n'
                   '        try:\n'
                   '            storage.available(None, bad)\n'
                   '        except InvalidModuleData:\n'
                   '            continue\n'
                   '        raise AssertionError(bad)\n'
                   'threading.stack_size(128 * 1024)\n'
                   'thread = threading.Thread(target=call)\n'
                   'thread.start()\n'
                   'thread.join()\n' % self.root)
        self.assertEqual((0, b'', b''), run_python('-c', program))

    def test_the_stream_of_a_bad_call_is_not_read(self):
        stream = mock.Mock()
        self.raised(InvalidModuleData, self.storage.assign, None, '{}', stream)
        self.assertEqual([], stream.mock_calls)

    def test_other_spellings_of_the_same_json_are_accepted(self):
        module_data = self.put()
        path = json.loads(module_data)['path']
        for other in (module_data.replace(' ', ''), '\n %s\t' % module_data,
                      json.dumps({'path': path, 'size': 7, 'more': {'x': [None]}}),
                      '{"path": "\\u%04x%s"}' % (ord(path[0]), path[1:])):
            self.assertEqual(b'content', self.get(other))
            self.assertEqual(7, self.storage.get_size(None, other))

    def test_any_shard_is_accepted_so_that_their_choice_may_change(self):
        for shard in ('000', 'fff'):
            module_data = '{"path": "%s/%s"}' % (shard, NAME)
            self.storage.assign(None, module_data, Stream(b'content'))
            self.assertEqual(b'content', self.get(module_data))
