"""The constructor refuses at once what it can't use, and says which argument, value and form."""

import contextlib
import errno
import os
import re
import stat
import tempfile

import mezeo_fsstore
from mezeo_fsstore import (
    ConfigurationError, FilesystemStorage, MissingRoot, StorageError, StorageUnavailable, arguments)
from tests import Stream
from tests.support import PROJECT, RootTestCase, mock, run_python, unittest


class ArgumentsTest(RootTestCase):

    def refused(self, name, value, accepted, kind=ConfigurationError):
        error = self.raised(kind, lambda: self.make(**{name: value}))
        self.assertTrue(isinstance(error, ValueError) and isinstance(error, StorageError))
        for part in ('argument %s is ' % name, repr(value), accepted):
            self.assertTrue(part in str(error), '%r is not in %r' % (part, str(error)))

    def test_a_root_that_is_no_absolute_path_is_refused(self):
        for bad in ('', 'relative', './here', '~', 5, True, b'/tmp' if str is not bytes else 5,
                    ['/tmp'], '/tmp\0'):
            self.refused('root', bad, 'absolute path of an existing directory')

    def test_no_root_is_refused(self):
        error = self.raised(ConfigurationError, FilesystemStorage)
        self.assertEqual('argument root is missing: expected the absolute path of an existing '
                         'directory', str(error))

    def test_text_that_no_system_can_have_as_a_path_is_refused(self):
        self.assertRaises(ConfigurationError, FilesystemStorage, root=u'/tmp/\ud800')

    def test_a_missing_root_is_refused_and_not_made(self):
        missing = os.path.join(self.folder, 'missing')
        error = self.raised(MissingRoot, lambda: self.make(root=missing))
        self.assertTrue(missing in str(error) and 'mount' in str(error), str(error))
        self.assertFalse(os.path.exists(missing))

    def test_a_missing_root_is_a_bad_argument_and_an_unavailable_storage(self):
        missing = os.path.join(self.folder, 'missing')
        for kind in (ConfigurationError, StorageUnavailable, ValueError, EnvironmentError):
            self.raised(kind, lambda: self.make(root=missing))

    def test_a_root_that_is_a_file_is_refused(self):
        path = os.path.join(self.folder, 'file')
        open(path, 'w').close()
        for root in (path, path + '/below'):
            error = self.raised(MissingRoot, lambda: self.make(root=root))
            self.assertEqual(errno.ENODEV, error.errno)
            self.assertTrue('no existing directory' in str(error), error)

    def test_a_root_may_be_reached_through_a_symbolic_link(self):
        link = os.path.join(self.folder, 'link')
        os.symlink(self.root, link)
        self.storage = self.make(root=link)
        self.assertEqual(b'content', self.get(self.put()))

    def test_a_root_may_end_in_a_slash(self):
        self.storage = self.make(root=self.root + '/')
        self.assertEqual(b'content', self.get(self.put()))

    def test_durable_is_a_boolean_or_a_word_for_it_and_means_what_it_says(self):
        for synced, words in (
                (True, (True, 1, '1', 'true', u'TRUE', 'yes', u'Yes', 'on', 'ON')),
                (False, (False, 0, '0', 'false', u'False', 'no', u'NO', 'off', 'Off'))):
            for word in words:
                self.storage = self.make(durable=word)
                with mock.patch('os.fsync') as fsync:
                    self.put()
                self.assertEqual(synced, fsync.called, word)

    def test_what_is_no_boolean_is_refused_as_it_was_given(self):
        for bad in ('', 'maybe', 1.0, [], u'\xe9', Word()):
            self.refused_so('durable', bad, 'true or false')
        for bad in (2, -1):
            self.refused('durable', bad, 'true or false')
        self.assertEqual('argument durable is missing: expected true or false', str(
            self.raised(ConfigurationError, lambda: self.make(durable=None))))

    def refused_so(self, name, value, accepted):
        """The whole message is this one."""
        error = self.raised(ConfigurationError, lambda: self.make(**{name: value}))
        self.assertEqual('argument %s is %r: expected %s' % (name, value, accepted), str(error))

    def test_a_huge_value_is_shown_in_part(self):
        error = self.raised(ConfigurationError, lambda: self.make(durable='x' * 5000))
        self.assertEqual("argument durable is '%s: expected true or false" % ('x' * 199),
                         str(error))

    def test_an_interrupt_is_no_bad_argument(self):
        for interrupt in (KeyboardInterrupt, MemoryError):
            for name in ('mezeo_fsstore.arguments.native_path', 'mezeo_fsstore.disk.is_directory'):
                with mock.patch(name, side_effect=interrupt):
                    self.raised(interrupt, self.make)

    def test_modes_are_octal_strings(self):
        for good, bits in (('0600', 0o600), ('600', 0o600), (u'0640', 0o640), ('0o640', 0o640),
                           ('00640', 0o640), ('0o0640', 0o640), ('0777', 0o777), ('0400', 0o400)):
            self.storage = self.make(file_mode=good)
            self.assertEqual(bits, mode_of(self.path(self.put())))
        for good in ('0700', '2770', u'0o2750', '2777'):
            self.make(dir_mode=good)

    def test_a_number_is_no_mode_as_json_has_no_octal_ones(self):
        # 400 and 440 would be 0620 and 0670, and nobody would notice.
        for bad in (400, 440, 0o600, 0o400, 384):
            self.assertTrue('octal string' in str(self.raised(
                ConfigurationError, lambda: self.make(file_mode=bad))))
        for bad in (0o700, 0o755, 448):
            self.raised(ConfigurationError, lambda: self.make(dir_mode=bad))

    def test_a_mode_that_locks_the_owner_out_or_is_none_is_refused(self):
        for bad in ('', '9', '40', '0200', '0377', '1600', '4600', '0o', 'rw', '06000', '000600',
                    '0o00600', 'o600', '0680', '0900', -1, 640, True, 6.0, [], ' 0600', '0600 ',
                    '0600\n'):
            self.refused_so('file_mode', bad,
                            "an octal string from '0400' to '0777', such as '0440'")
        for bad in ('0600', '0677', '1700', '4700', '07000', 700, 'rwx'):
            self.refused_so('dir_mode', bad,
                            "an octal string from '0700' to '2777', such as '0740'")
        for name in ('file_mode', 'dir_mode'):
            error = self.raised(ConfigurationError, lambda: self.make(**{name: None}))
            self.assertTrue(str(error).startswith('argument %s is missing: ' % name), error)

    def test_a_root_id_that_is_none_is_refused(self):
        for bad in ('', 'x', 'F' * 32, 'z' * 32, '0' * 31, '0' * 33, '0' * 32 + '\n', 5, True):
            self.refused('root_id', bad, '32 hexadecimal digits')

    def test_a_digest_is_one_of_two_words(self):
        for good in ('sha256', u'none', None):
            self.make(digest=good)
        for bad in ('', 'md5', 'SHA256', 'None', 'sha', True, False, 256, [], {}):
            self.refused('digest', bad, "'sha256' or 'none'")

    def test_verify_reads_is_a_boolean(self):
        for good in (True, 'true', u'off', 0):
            self.make(verify_reads=good)
        self.refused('verify_reads', 'maybe', 'true or false')

    def test_an_unknown_argument_is_refused(self):
        error = self.raised(ConfigurationError, lambda: self.make(colour='blue'))
        self.assertEqual("argument colour ('blue') is unknown: expected one of root, durable, "
                         "file_mode, dir_mode, root_id, digest, verify_reads", str(error))

    def test_of_several_unknown_ones_the_first_is_named_in_ascii(self):
        error = self.raised(ConfigurationError, arguments.refuse_unknown,
                            {u'h': 3, u'f\xe4rbe': 1, u'g': 2})
        self.assertEqual(r'argument f\xe4rbe (1) is unknown', str(error).split(':')[0])

    def test_files_and_shards_have_exactly_the_modes_whatever_the_umask(self):
        for umask in (0o000, 0o027, 0o077):
            for file_mode, dir_mode, durable in (
                    ('0600', '0700', True), ('0664', '2775', True), ('0777', '0777', False)):
                # A root for each: a shard that is there already keeps its mode.
                self.root = tempfile.mkdtemp(dir=self.folder)
                self.storage = self.make(file_mode=file_mode, dir_mode=dir_mode, durable=durable)
                with self.umask(umask):
                    path = self.path(self.put())
                self.assertEqual(int(file_mode, 8), mode_of(path))
                self.assertEqual(int(dir_mode, 8), mode_of(os.path.dirname(path)))
                with self.umask(0o777):
                    self.storage.assign(None, '{"path": "%s"}' % os.path.relpath(path, self.root),
                                        Stream(b'new'))
                self.assertEqual(int(file_mode, 8), mode_of(path))

    @unittest.skipUnless(os.geteuid() == 0, 'only the superuser can become another user')
    def test_setgid_is_lost_silently_where_the_user_is_not_in_the_group(self):
        # What Linux does, and no error tells: the pages say so.
        self.let_all_in()
        for group, expected in ((65533, 0o770), (65534, 0o2770)):
            self.root = tempfile.mkdtemp(dir=self.folder)
            os.chown(self.root, 65534, group)
            os.chmod(self.root, 0o2770)
            storage = self.make(dir_mode='2770')
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                    storage.put(None, Stream(b'content'))
                    status = 0
                finally:
                    os._exit(status)
            self.assertEqual(0, os.waitpid(child, 0)[1])
            shard, = os.listdir(self.root)
            found = os.stat(os.path.join(self.root, shard))
            self.assertEqual((expected, group), (stat.S_IMODE(found.st_mode), found.st_gid))

    @contextlib.contextmanager
    def umask(self, mask):
        before = os.umask(mask)
        try:
            yield
        finally:
            os.umask(before)

    def test_a_file_is_private_until_it_has_its_mode(self):
        seen, original = [], os.fchmod

        def fchmod(fd, mode):
            seen.append(stat.S_IMODE(os.fstat(fd).st_mode))
            original(fd, mode)
        self.storage = self.make(file_mode='0666', dir_mode='0777', durable=False)
        with self.umask(0):
            with mock.patch('os.fchmod', fchmod):
                self.put()
        self.assertEqual(0o600, seen[-1])

    def test_a_shard_is_never_open_to_others_that_its_mode_keeps_out(self):
        seen, original = [], os.fchmod

        def fchmod(fd, mode):
            seen.append(stat.S_IMODE(os.fstat(fd).st_mode))
            original(fd, mode)
        self.storage = self.make(dir_mode='0700', durable=False)
        with self.umask(0):
            with mock.patch('os.fchmod', fchmod):
                self.put()
        self.assertEqual(0o700, seen[0])

    def test_a_root_beyond_ascii_works_in_any_locale(self):
        # Apache's processes often run in the C locale.
        root = os.path.join(self.folder.encode('ascii'), b'r\xc3\xa4ume')
        os.mkdir(root)
        program = ('import io\n'
                   'from mezeo_fsstore import FilesystemStorage\n'
                   'storage = FilesystemStorage(root=u"%s/r\\xe4ume")\n'
                   'storage.put(None, io.BytesIO(b"content"))\n' % self.folder)
        for locale in ('C', 'C.UTF-8'):
            status, _, errors = run_python('-c', program, environment={
                'LC_ALL': locale, 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'})
            self.assertEqual((0, b''), (status, errors))
        self.assertEqual(2, len([name for _, _, names in os.walk(root) for name in names]))

    def test_the_base_class_of_the_platform_is_taken_as_it_is(self):
        # On a node `modules` is the platform's; nothing but the name is known of its base class.
        foreign = os.path.join(self.folder, 'foreign')
        os.mkdir(foreign)
        for number, body in enumerate((
                'pass', 'def __init__(self, **arguments):\n        self.made = not arguments')):
            # Another folder each time, for the bytecode of the first may be as old as the second.
            folder = os.path.join(foreign, str(number))
            os.mkdir(folder)
            with open(os.path.join(folder, 'modules.py'), 'w') as base:
                base.write('class StorageModule(object):\n    %s\n' % body)
            program = ('from mezeo_fsstore import FilesystemStorage; import modules\n'
                       'assert modules.__file__.startswith(%r)\n'
                       'storage = FilesystemStorage(root=%r)\n'
                       'assert %d == getattr(storage, "made", 0)' % (folder, self.root, number))
            status, _, errors = run_python('-c', program, path=[folder, PROJECT], cwd=self.folder)
            self.assertEqual((0, b''), (status, errors))


class Word(object):
    """No text, but it looks like one."""

    def __str__(self):
        return 'true'


class PublicNamesTest(RootTestCase):

    def test_the_public_names_are_those_that_others_rely_on(self):
        public = ['ConfigurationError', 'DamagedObject', 'FilesystemStorage', 'InvalidModuleData',
                  'MissingRoot', 'StorageError', 'StorageUnavailable', '__version__']
        self.assertEqual(public, sorted(mezeo_fsstore.__all__))
        for name in public:
            getattr(mezeo_fsstore, name)
        self.assertTrue(re.match(r'[0-9]+\.[0-9]+\.[0-9]+\Z', mezeo_fsstore.__version__))


class RootTest(RootTestCase):

    def test_the_constructor_changes_nothing(self):
        before = os.stat(self.root)
        self.make()
        self.assertEqual([], os.listdir(self.root))
        self.assertEqual(before.st_mtime, os.stat(self.root).st_mtime)

    def test_an_object_is_assigned_through_another_instance(self):
        module_data = self.make().new_data(None)
        self.make().assign(None, module_data, Stream(b'content'))
        self.assertEqual(b'content', self.get(module_data))


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)
