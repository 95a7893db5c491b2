"""Modules on the platform in miniature: its call sequences, in one process and in several."""

import io
import json
import os
import shutil
import tempfile

from tests import Stream, StreamError, content
from tests.kit.miniature import Platform, RangeError, Server
from tests.sdk.stacked_modules import (
    FILES, SIMPLE, deduplicated, encrypted, registrations, sweep)
from tests.sdk.test_encrypted import needs_cryptography
from tests.support import PROJECT, EggTestCase, mock, start_python, unittest


class FolderCase(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='miniature-test-')
        self.addCleanup(shutil.rmtree, self.folder)

    def register(self, *layers):
        """Return registrations of these layers at a location 'A' and, the same, at 'B'."""
        return [text for place in 'AB' for text in
                registrations(layers, os.path.join(self.folder, place), place)]

    def files(self, platform):
        """Return the names of all files, once `platform` has destroyed what it destroys later."""
        sweep(platform)
        return [name for _, _, names in os.walk(self.folder) for name in names if name != 'lock']


class PlatformTest(FolderCase):

    revision = 2009
    layers = [('Store', SIMPLE)]

    def setUp(self):
        super(PlatformTest, self).setUp()
        self.platform = Platform(self.register(*self.layers), self.revision)

    def upload(self, data=b'content'):
        return self.platform.upload('Store A', Stream(data, most=1000))

    def test_an_upload_is_downloaded_whole_and_in_ranges(self):
        for size in (0, 1, 70000):
            stored = self.upload(content(size))
            self.assertEqual(content(size), self.platform.download(stored, 'Store A'))
            for start, end in ((0, 0), (0, size), (size, size), (size // 2, size), (0, size // 2)):
                self.assertEqual(content(size)[start:end],
                                 self.platform.download(stored, 'Store A', start, end))

    def test_a_range_that_is_not_there_is_refused(self):
        stored = self.upload()
        for start, end in ((0, 8), (8, 8), (-1, 3), (4, 3)):
            self.assertRaises(RangeError, self.platform.download, stored, 'Store A', start, end)

    def test_an_object_is_replicated_once(self):
        stored = self.upload(content(70000))
        self.assertFalse(self.platform.available(stored, 'Store B'))
        replicated, copied = self.platform.replicate(stored, 'Store A', 'Store B')
        self.assertTrue(copied)
        self.assertEqual((replicated, False),
                         self.platform.replicate(replicated, 'Store A', 'Store B'))
        for place in ('Store A', 'Store B'):
            self.assertEqual(content(70000), self.platform.download(replicated, place))
        self.platform.delete(replicated)
        self.assertEqual([], self.files(self.platform))

    def test_what_is_gone_from_a_location_is_copied_there_anew(self):
        self.check_healing(os.remove, (content(70000), content(70000), b'', b'other'))

    def check_healing(self, damage, contents):
        """Objects whose files at B are damaged by `damage(path)` are copied there from A."""
        objects = []
        for data in contents:
            stored = self.platform.replicate(self.upload(data), 'Store A', 'Store B')[0]
            objects.append((stored, data))
        for folder, _, names in os.walk(os.path.join(self.folder, 'B', 'store')):
            for name in names:
                damage(os.path.join(folder, name))
        for stored, data in objects:
            self.assertFalse(self.platform.available(stored, 'Store B'))
            healed, copied = self.platform.replicate(stored, 'Store A', 'Store B')
            self.assertTrue(copied)
            self.assertTrue(self.platform.available(healed, 'Store B'))
            self.assertEqual(data, self.platform.download(healed, 'Store B'))
        sweep(self.platform)
        for stored, data in objects:
            self.assertEqual(data, self.platform.download(stored, 'Store A'))

    def test_a_copy_is_another_object(self):
        stored = self.upload(content(70000))
        for target in ('Store A', 'Store B'):
            copy = self.platform.copy(stored, 'Store A', target)
            self.assertEqual(content(70000), self.platform.download(copy, target))
            self.platform.delete(copy)
            self.assertEqual(content(70000), self.platform.download(stored, 'Store A'))
        self.platform.delete(stored)
        self.assertEqual([], self.files(self.platform))

    def test_a_client_that_hangs_up_leaves_nothing(self):
        self.assertRaises(StreamError, self.platform.upload, 'Store A',
                          Stream(content(70000), 1000, StreamError))
        self.assertEqual([], self.files(self.platform))

    def test_statistics_are_what_the_interfaces_show(self):
        self.assertEqual(['free', 'total', 'used'],
                         sorted(self.platform.statistics('Store A')['capacity']))


class Platform2012Test(PlatformTest):

    revision = 2012
    layers = [('Store', FILES)]

    def test_only_the_later_methods_are_called(self):
        module = self.platform.module('Store A')
        for name in ('new_data', 'assign', 'get_size'):
            setattr(module, name, mock.Mock(side_effect=AssertionError(name)))
        # Its own put uses them, as it may.
        module.put = type(module)(root=os.path.join(self.folder, 'A', 'store')).put
        stored = self.upload()
        self.assertEqual(b'ont', self.platform.download(stored, 'Store A', 1, 4))
        self.platform.delete(self.platform.copy(stored, 'Store A', 'Store A'))
        self.platform.delete(stored)

    def test_capabilities_are_a_dictionary(self):
        self.assertEqual({}, self.platform.capabilities('Store A'))


class DeduplicatedPlatformTest(PlatformTest):
    layers = [('Below', FILES), ('Store', deduplicated('Below'))]

    def test_what_is_cut_at_a_location_is_copied_there_anew(self):
        def cut(path):
            with open(path, 'r+b') as stored:
                stored.truncate(os.path.getsize(path) - 1)

        def empty(path):
            open(path, 'wb').close()
        for damage in (cut, empty):
            self.check_healing(damage, (content(70000), content(70000), b'other'))


@needs_cryptography
class StackedPlatformTest(DeduplicatedPlatformTest):
    layers = [('Lowest', FILES), ('Below', encrypted('Lowest')), ('Store', deduplicated('Below'))]


@needs_cryptography
class StackedPlatform2012Test(DeduplicatedPlatformTest):
    revision = 2012
    layers = [('Lowest', FILES), ('Below', deduplicated('Lowest')), ('Store', encrypted('Below'))]


class RegistrationTest(FolderCase):

    def test_arguments_are_those_of_the_json(self):
        platform = Platform(['{"module": "tests.kit.memory.MemoryStorage", "label": "M\\u00fcll",'
                             ' "args": {"objects": {"known": ""}}}'])
        self.assertEqual({'known': ''}, platform.module(u'M\xfcll').objects)

    def test_a_module_reaches_another_by_its_label(self):
        platform = Platform(self.register(('Files', FILES), ('Top', deduplicated('Files'))))
        self.assertTrue(platform.context['func']['getModule']('Files A')
                        is platform.module('Files A'))
        stored = platform.upload('Top A', Stream(b'content'))
        self.assertEqual(b'content', platform.download(stored, 'Top A'))

    def test_what_the_database_returns_is_text(self):
        platform = Platform(self.register(('Store', SIMPLE)))
        stored = platform.upload('Store A', io.BytesIO(b''))
        self.assertEqual(stored, json.loads(json.dumps(stored)))
        self.assertTrue(isinstance(stored['places']['Store A'], type(u'')))


class EggOnServersTest(EggTestCase, FolderCase):
    """`mezeo_fsstore` from its egg, in several server processes with a base class of their own."""

    def start(self, *arguments):
        return start_python(*arguments, path=[self.egg, os.path.dirname(self.egg), PROJECT],
                            cwd=self.built)

    def serve(self, revision, *layers):
        self.texts = self.register(*layers)
        servers = [Server(self.start, self.texts, revision) for _ in range(3)]
        for server in servers:
            self.addCleanup(server.stop)
        return servers

    def play(self, servers):
        """Have each server do a part of the life of many objects, all at the same time."""
        for number, server in enumerate(servers):
            self.assertTrue(self.egg in server.call('origin', 'Files A'))
        made = []
        for turn in range(5):
            for number, server in enumerate(servers):
                server.ask('upload', 'Store A', content(50000 + turn, first=number))
            made.extend(server.answer() for server in servers)
        first, second, third = servers
        for index, stored in enumerate(made):
            data = content(50000 + index // 3, first=index % 3)
            self.assertEqual(data[100:40000],
                             second.call('download', stored, 'Store A', 100, 40000))
            replicated, copied = third.call('replicate', stored, 'Store A', 'Store B')
            self.assertTrue(copied)
            copy = first.call('copy', replicated, 'Store B', 'Store B')
            self.assertEqual([False], second.call('replicate', replicated, 'Store A',
                                                  'Store B')[1:])
            second.call('delete', replicated)
            self.assertEqual(data, third.call('download', copy, 'Store B'))
            self.assertFalse(first.call('available', stored, 'Store A'))
            self.assertRaises(RuntimeError, first.call, 'download', stored, 'Store A')
            third.call('delete', copy)
        self.assertTrue(first.call('statistics', 'Store A')['capacity']['total'] > 0)
        self.assertEqual([], self.files(Platform(self.texts)))

    def test_the_first_revision(self):
        files = dict(FILES, args={'root': '@/store'})
        self.play(self.serve(2009, ('Files', FILES), ('Store', files)))

    def test_the_2012_revision(self):
        self.play(self.serve(2012, ('Files', FILES), ('Store', FILES)))

    def test_below_a_module_that_deduplicates(self):
        self.play(self.serve(2009, ('Files', FILES), ('Store', deduplicated('Files'))))

    @needs_cryptography
    def test_below_two_modules(self):
        self.play(self.serve(2009, ('Files', FILES), ('Encrypted', encrypted('Files')),
                             ('Store', deduplicated('Encrypted'))))

    def test_it_works_on_the_base_class_of_the_platform(self):
        program = ('import mezeo_fsstore, modules; '
                   'print(mezeo_fsstore.FilesystemStorage.__mro__[1].__doc__)')
        process = self.start('-c', program)
        output, errors = process.communicate()
        self.assertEqual((b"The platform's own.\n", b''), (output, errors))
