"""docs/deploy.md: each command does what it shows, and what it shows is so."""

import errno
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading

import mezeo_fsstore
from mezeo_fsstore import FilesystemStorage, InvalidModuleData, StorageUnavailable, names
from simple.simple import SimpleStorage
from tests import Stream
from tests.command.test_egg import HOST
from tests.hosts.apache import CONFIGURATION
from tests.hosts.ceph import OPTIONS
from tests.hosts.gluster import MOUNT_OPTIONS, VOLUME_OPTIONS
from tests.kit.miniature import Platform
from tests.pages.page_steps import BLOCK, SERVER, RootShell, read_page
from tests.pages.test_guarantees import names_of_tests
from tests.support import (
    PROJECT, EggTestCase, environment, find_program, mark, mounted, path_in, run_python, unittest)

YOUNG = '3f0/.3f0c58e990a355f5f07de05d645163a5.0123456789abcdef'
OLD = '3f0/.3f0c58e990a355f5f07de05d645163a5.9b2f01c3a4d5e6f7'

SHOWN_ID = '2556daa5218b81cea0307c664a179b4b'


def page():
    return read_page('deploy.md')


def section(title):
    return re.search('^##+ %s$(.*?)(?=^## |^### |^\\[\\^|\\Z)' % re.escape(title), page(),
                     re.M | re.S).group(1)


def read_crontab(text):
    """Return the variables of a file for /etc/cron.d, and its jobs as cron takes them.

    A job is a user, a command, and what the command gets to read: see crontab(5), of Debian's cron.
    """
    if not text.endswith('\n'):
        raise ValueError('cron ignores a last line that no newline ends')
    variables, jobs = {}, []
    for line in text.splitlines():
        variable = re.match(r'\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$', line)
        if variable:
            variables[variable.group(1)] = variable.group(2).strip('"\'')
        elif line.strip() and not line.lstrip().startswith('#'):
            times = r'((?:[0-9*/,-]+\s+){5})'
            user, rest = re.match(r'\s*%s(\S+)\s+(.*)$' % times, line).group(2, 3)
            command, _, lines = re.sub(r'(?<!\\)%', '\n', rest).replace('\\%', '%').partition('\n')
            jobs.append((user, command, lines))
    return variables, jobs


def tool(test, name):
    """Return the path of a program; skip the test where it is missing."""
    path = find_program(name)
    if path is None:
        test.skipTest('%s is not installed' % name)
    return path


class DeployTestCase(RootShell, EggTestCase):
    """A node of its own for each test, with the egg in place and three objects in the root."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='deploy-test-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.make_places()
        self.mezeo, self.platform = self.path('opt/mezeo'), self.path('opt/mezeo/platform')

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_root(self):
        """Make the root, with a marker, three objects, and what two writers are at."""
        self.root = self.path('srv/objects')
        os.mkdir(self.root)
        self.root_id = mark(self.root)
        self.storage = FilesystemStorage(root=self.root, root_id=self.root_id, durable=False)
        self.contents = {}
        for content in (b'', b'content', os.urandom(4096) * 300):
            self.contents[self.storage.put(None, Stream(content))] = content
        shard = os.path.join(self.root, '3f0')
        if not os.path.isdir(shard):
            os.mkdir(shard)
        for name in (YOUNG, OLD):
            with open(os.path.join(self.root, name), 'wb') as temporary:
                temporary.write(b'x' * 1048576)
        os.utime(os.path.join(self.root, OLD), (0, 1338552000))
        self.give_to_server(self.root)
        with open(os.path.join(self.mezeo, 'objects.json'), 'w') as target:
            json.dump({'module': 'mezeo_fsstore.FilesystemStorage', 'label': 'Filesystem Storage',
                       'args': {'root': self.local('/srv/objects'), 'root_id': self.root_id}},
                      target)

    def local(self, text):
        text = text.replace(SHOWN_ID, getattr(self, 'root_id', SHOWN_ID))
        return super(DeployTestCase, self).local(text)

    def in_new_shell(self):
        """Return the two commands that each section but the first begins with."""
        return [(command, '') for command, _ in self.steps(section('Set up a node'))
                if re.match('cd |alias ', command)]

    def normal(self, text):
        # A filesystem need not have a number of inodes.
        for pattern, replacement in ((r'bytes and the inodes', 'bytes'),
                                     (r'"root_id": "[0-9a-f]{32}"', 'ID'),
                                     # The root of a test is root's, or lies in memory.
                                     (r', \d+ warnings?: see above', ''),
                                     (r'\d{4}-\d\d-\d\dT[0-9:]*Z', 'TIME')):
            text = re.sub(pattern, replacement, text)
        return text

    def run_section(self, title, least, **between):
        """Run what the section shows, and what happens in between, where a comment says so."""
        shutil.copy(self.egg, self.mezeo)
        parts = re.split('^<!-- then: (.*?) -->\n', section(title), flags=re.M)
        self.assertEqual(sorted(between), sorted(name.replace(' ', '_') for name in parts[1::2]))
        self.assertTrue(sum(len(self.steps(text)) for text in parts[::2]) >= least)
        for name, text in zip([None] + parts[1::2], parts[::2]):
            if name:
                between[name.replace(' ', '_')]()
            self.walk(text, 0, self.folder, self.in_new_shell())

    def on_node(self, *arguments):
        """Run Python as a server process has it; return its status and output."""
        egg = os.path.join(self.mezeo, os.path.basename(self.egg))
        process = subprocess.Popen(
            self.within(self.folder, sys.executable, *arguments), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment(egg, self.platform))
        output = process.communicate()[0].decode('utf-8')
        return process.returncode, output

    def assert_holds(self, root, contents, **settings):
        """The root holds these objects, byte for byte, no other, and no temporary."""
        storage = FilesystemStorage(root=root, durable=False, **settings)
        for module_data, content in contents.items():
            with storage.get_read_stream(None, module_data) as stream:
                self.assertEqual(content, stream.read())
        found = [name for _, _, files in os.walk(root) for name in files]
        expected = [os.path.basename(path_in(module_data)) for module_data in contents]
        self.assertEqual(sorted(expected + ['.mezeo_fsstore']), sorted(found))
        return storage

    def assert_refuses(self, storage, module_data):
        """A module over the wrong root: it writes, deletes and denies nothing."""
        for call in (lambda: storage.assign(None, module_data, Stream(b'wrong')),
                     lambda: storage.delete(None, module_data),
                     lambda: storage.available(None, module_data),
                     lambda: storage.available(None, storage.new_data(None))):
            self.assertRaises(StorageUnavailable, call)


class NodeTest(DeployTestCase):

    def test_a_node_is_set_up(self):
        self.walk(section('Set up a node'), 9, self.clone())
        root = self.path('srv/objects')
        found = os.stat(root)
        self.assertEqual((0o700,) + self.server[2:4],
                         (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid))
        with open(os.path.join(self.mezeo, 'objects.json')) as source:
            registration = json.load(source)
        self.assertEqual(self.on_node('-c', HOST, json.dumps(registration)),
                         (0, mezeo_fsstore.__version__))
        registration['args']['root_id'] = SHOWN_ID
        status, output = self.on_node('-c', HOST, json.dumps(registration))
        self.assertEqual(1, status)
        self.assertTrue('StorageUnavailable' in output, output)

    def test_it_is_watched(self):
        self.make_root()
        self.run_section('Watch it', 3)
        crontab = re.search('^<!-- cron -->\n```text\n(.*?)^```$', section('Watch it'),
                            re.M | re.S).group(1)
        variables, jobs = read_crontab(self.local(crontab))
        self.assertEqual(2, len(jobs))
        for user, command, lines in jobs:
            self.assertEqual(SERVER, user)
            status, output = self.run_job(command, lines, variables)
            self.assertEqual(0, status, output)
            self.assertEqual('sweep' in command, output != '', output)
        left = [os.path.join(os.path.basename(folder), name)
                for folder, _, files in os.walk(self.root) for name in files]
        self.assertEqual((True, False), (YOUNG in left, OLD in left))
        os.unlink(os.path.join(self.root, YOUNG))
        self.assert_holds(self.root, self.contents, root_id=self.root_id)

    def run_job(self, command, lines, variables):
        """Run a job as cron does, as the server's user; return its status and output."""
        self.programs()
        path = self.local('/opt/bin')
        cron = subprocess.Popen(
            self.within('/', *self.as_user(self.server.pw_name, 'sh', '-c', command)),
            env=dict({'PATH': path + ':/usr/bin:/bin', 'SHELL': '/bin/sh', 'HOME': '/',
                      'LOGNAME': SERVER}, **variables),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = cron.communicate(lines.encode('utf-8'))[0].decode('utf-8')
        return cron.returncode, output

    def test_the_numbers_of_inodes_are_those_that_mkfs_makes(self):
        tool(self, 'mkfs.ext4')
        try:
            with open(self.path('sparse'), 'wb') as volume:
                volume.truncate(2 ** 40)
        except EnvironmentError as error:
            if error.errno not in (errno.EFBIG, errno.EINVAL):
                raise
            self.skipTest('no file of 1 TiB can be made here')
        self.walk(section('Inodes'), 4, self.folder)


class BackupTest(DeployTestCase):

    def test_a_root_is_backed_up_and_restored(self):
        self.make_root()

        def lose():
            os.unlink(os.path.join(self.root, YOUNG))
            for module_data in self.contents:
                self.storage.delete(None, module_data)

        self.run_section('Back up and restore', 12, the_live_root_loses_its_objects=lose)
        restored = self.path('srv/restored')
        with open(os.path.join(restored, '.mezeo_fsstore')) as marker:
            new_id = marker.read().strip()
        self.assert_holds(restored, self.contents, root_id=new_id)
        # The copy that was made to look at can not be taken for the root.
        module_data = list(self.contents)[0]
        self.assert_refuses(FilesystemStorage(root=restored, root_id=self.root_id), module_data)
        # What the archive holds takes the place of the root.
        again = self.path('srv/again')
        os.mkdir(again)
        subprocess.check_call(['tar', '-C', again, '-xpf', self.path('mnt/backup/objects.tar')])
        storage = self.assert_holds(again, self.contents, root_id=self.root_id)
        self.assertTrue(storage.available(None, module_data))
        # One object was fetched into the live root.
        back = [data for data in self.contents if self.storage.available(None, data)]
        self.assertEqual(1, len(back))
        with self.storage.get_read_stream(None, back[0]) as stream:
            self.assertEqual(self.contents[back[0]], stream.read())

    def test_a_copy_of_a_live_root_has_each_object_whole(self):
        self.make_root()
        folder, backup = self.steps(section('Back up and restore'))[:2]
        size, stop = 65536, []
        lasting = [self.storage.put(None, Stream(b'0' * size)) for _ in range(20)]

        def write(letter):
            while not stop:
                passing = self.storage.put(None, Stream(letter * size))
                for module_data in lasting:
                    self.storage.assign(None, module_data, Stream(letter * size))
                self.storage.delete(None, passing)

        writers = [threading.Thread(target=write, args=(letter,)) for letter in (b'a', b'b')]
        for writer in writers:
            writer.start()
        try:
            for _ in range(5):
                for status, output in self.run_steps([folder, backup], self.folder):
                    self.assertEqual('0', status, output)
                archive = tarfile.open(self.path('mnt/backup/objects.tar'))
                found = {}
                for member in archive:
                    if member.isfile():
                        found[member.name] = archive.extractfile(member).read()
                archive.close()
                for module_data, content in self.contents.items():
                    self.assertEqual(content, found.pop('./' + path_in(module_data)))
                del found['./.mezeo_fsstore']
                for name, content in found.items():
                    self.assertTrue(names.is_object(name[2:]), name)
                    self.assertTrue(content in [letter * size for letter in (b'0', b'a', b'b')],
                                    '%d bytes' % len(content))
        finally:
            stop.append(True)
            for writer in writers:
                writer.join()


class MoveTest(DeployTestCase):

    def test_a_root_is_moved(self):
        tool(self, 'rsync')
        self.make_root()
        first, second, third = sorted(self.contents, key=lambda data: len(self.contents[data]))
        # A replacement that differs by no whole second and no byte of its size.
        os.utime(os.path.join(self.root, path_in(second)), (1e9, 1e9 + 0.125))
        new = self.path('mnt/new')

        def write():
            self.assertRaises(StorageUnavailable, FilesystemStorage(
                root=new, root_id=self.root_id).available, None, first)
            self.storage.delete(None, first)
            del self.contents[first]
            self.contents[second] = b'CONTENT'
            self.storage.assign(None, second, Stream(b'CONTENT'))
            os.utime(os.path.join(self.root, path_in(second)), (1e9, 1e9 + 0.5))
            self.contents[self.storage.put(None, Stream(b'late'))] = b'late'
            self.give_to_server(self.root)

        self.run_section('Move a root', 9, the_servers_write_until_they_are_stopped=write)
        storage = self.assert_holds(new, self.contents, root_id=self.root_id)
        self.assertTrue(storage.available(None, second))
        self.assertFalse(storage.available(None, first))
        # A server that still has the old root.
        self.assert_refuses(self.storage, second)
        self.assert_refuses(FilesystemStorage(root=self.root, root_id=self.root_id), second)


class SimpleTest(DeployTestCase):

    def setUp(self):
        super(SimpleTest, self).setUp()
        self.make_root()
        for name in (YOUNG, OLD):
            os.unlink(os.path.join(self.root, name))
        self.simple_folder = self.path('srv/simple')
        os.mkdir(self.simple_folder)
        self.simple = SimpleStorage(storage_dir=self.simple_folder)
        self.old = {}
        for content in (b'', b'one', os.urandom(4096) * 700):
            module_data = self.simple.new_data(None)
            self.simple.assign(None, module_data, Stream(content))
            self.old[module_data] = content

    def platform_of(self, revision=2009):
        return Platform([
            json.dumps({'module': 'simple.simple.SimpleStorage', 'label': 'Simple',
                        'args': {'storage_dir': self.simple_folder}}),
            json.dumps({'module': 'mezeo_fsstore.FilesystemStorage', 'label': 'Files',
                        'args': {'root': self.root, 'root_id': self.root_id,
                                 'durable': 'false'}})], revision)

    def stored(self, module_data):
        return {'size': len(self.old[module_data]), 'places': {'Simple': module_data}}

    def list_of(self, name='moved.tsv'):
        with io.open(os.path.join(self.mezeo, name), encoding='ascii') as source:
            return dict(line.rstrip('\n').split('\t') for line in source)

    def script(self):
        """Write the script of the page and return its path."""
        for name, content, _ in BLOCK.findall(section('Come from `simple`')):
            if name == 'from_simple.py':
                with io.open(self.path(name), 'w') as target:
                    target.write(content)
                return self.path(name)

    def run_script(self, *arguments):
        shutil.copy(self.egg, self.mezeo)
        return self.on_node(*(arguments or (self.script(),)) + (
            self.simple_folder, os.path.join(self.mezeo, 'objects.json'),
            os.path.join(self.mezeo, 'moved.tsv')))

    def test_all_objects_come_over(self):
        # What else may lie there: what a writer has left, and anything.
        for name in (list(self.old)[0] + '.' + 32 * 'a', 'README', 32 * 'A' + '.dat'):
            open(os.path.join(self.simple_folder, name), 'w').close()
        before = sorted(os.listdir(self.simple_folder))
        self.run_section('Come from `simple`', 6)
        moved = self.list_of('moved/list.tsv')
        self.assertEqual(sorted(self.old), sorted(moved))
        for old in self.old:
            self.contents[moved[old]] = self.old[old]
        self.assert_holds(self.root, self.contents, root_id=self.root_id)
        # The old ones are there still.
        self.assertEqual(before, sorted(os.listdir(self.simple_folder)))
        for old in self.old:
            with self.simple.get_read_stream(None, old) as stream:
                self.assertEqual(self.old[old], stream.read())

    def test_a_copy_that_was_stopped_goes_on(self):
        self.assertEqual((0, '3 copied, 0 were done before\n'), self.run_script())
        path = os.path.join(self.mezeo, 'moved.tsv')
        with open(path, 'rb') as source:
            lines = source.read().splitlines(True)
        with open(path, 'wb') as target:
            target.writelines(lines[:2])
        first = self.list_of()
        self.assertEqual((0, '1 copied, 2 were done before\n'), self.run_script())
        moved = self.list_of()
        self.assertEqual(first, dict((old, moved[old]) for old in first))
        self.assertEqual(sorted(self.old), sorted(moved))
        with open(path, 'ab') as target:
            target.write(b'0123')
        status, output = self.run_script()
        self.assertEqual(1, status)
        self.assertTrue('cut off' in output, output)

    def test_an_object_that_changes_meanwhile_is_not_taken_over(self):
        # The first `put` of the script is followed by an `assign` of the old label.
        changing = ('import io, os, sys, mezeo_fsstore\n'
                    'put = mezeo_fsstore.FilesystemStorage.put\n'
                    'def slow(self, context, stream):\n'
                    '    made = put(self, context, stream)\n'
                    '    open(stream.name, "ab").write(b"more")\n'
                    '    return made\n'
                    'mezeo_fsstore.FilesystemStorage.put = slow\n'
                    'sys.argv[:1] = []\n'
                    'exec(io.open(sys.argv[0], encoding="ascii").read())\n')
        status, output = self.run_script('-c', changing, self.script())
        self.assertEqual(1, status)
        self.assertTrue('stop the writers' in output, output)
        self.assertEqual({}, self.list_of())
        self.assert_holds(self.root, self.contents)

    def test_it_is_refused_where_the_wrong_volume_is_mounted(self):
        os.unlink(os.path.join(self.root, '.mezeo_fsstore'))
        status, output = self.run_script()
        self.assertEqual(1, status)
        self.assertTrue('StorageUnavailable' in output, output)
        self.assertEqual({}, self.list_of())

    def test_module_data_of_simple_is_refused(self):
        for old in self.old:
            for call in (self.storage.available, self.storage.get_size, self.storage.delete,
                         self.storage.get_read_stream):
                self.assertRaises(InvalidModuleData, call, None, old)
            self.assertRaises(InvalidModuleData, self.storage.assign, None, old, Stream(b''))
        self.assertRaises(ValueError, self.simple.available, None, list(self.contents)[0])

    def test_both_registered_side_by_side(self):
        platform = self.platform_of()
        new = platform.upload('Files', io.BytesIO(b'new'))
        self.assertEqual(b'new', platform.download(new, 'Files'))
        for old in self.old:
            self.assertEqual(self.old[old], platform.download(self.stored(old), 'Simple'))

    def test_the_platform_does_not_replicate_from_simple(self):
        for old in self.old:
            self.assertRaises(InvalidModuleData, self.platform_of().replicate, self.stored(old),
                              'Simple', 'Files')
        self.assert_holds(self.root, self.contents)
        platform = self.platform_of(2012)
        for old in self.old:
            stored, copied = platform.replicate(self.stored(old), 'Simple', 'Files')
            self.assertTrue(copied)
            self.assertEqual(self.old[old], platform.download(stored, 'Files'))

    def test_a_copy_on_the_server_comes_from_simple(self):
        platform = self.platform_of()
        for old in self.old:
            copy = platform.copy(self.stored(old), 'Simple', 'Files')
            self.assertEqual(['Files'], list(copy['places']))
            self.assertEqual(self.old[old], platform.download(copy, 'Files'))


class GrowTest(DeployTestCase):

    def platform_of_two(self):
        self.make_root()
        self.second = self.path('srv/second')
        os.mkdir(self.second)
        return Platform([json.dumps({
            'module': 'mezeo_fsstore.FilesystemStorage', 'label': label,
            'args': {'root': root, 'root_id': mark(root), 'durable': 'false'}})
            for label, root in (('First', self.root), ('Second', self.second))])

    def test_two_roots_are_two_registrations(self):
        platform = self.platform_of_two()
        stored = [platform.upload(label, io.BytesIO(label.encode('ascii')))
                  for label in ('First', 'Second')]
        for label, other, uploaded in zip(('First', 'Second'), ('Second', 'First'), stored):
            self.assertEqual(label.encode('ascii'), platform.download(uploaded, label))
            self.assertFalse(platform.available(uploaded, other))

    def test_the_platform_replicates_from_root_to_root(self):
        platform = self.platform_of_two()
        stored = platform.upload('First', io.BytesIO(b'content'))
        stored, copied = platform.replicate(stored, 'First', 'Second')
        self.assertTrue(copied)
        self.assertEqual(stored['places']['First'], stored['places']['Second'])
        self.assertEqual(b'content', platform.download(stored, 'Second'))
        self.assertFalse(platform.replicate(stored, 'First', 'Second')[1])

    def test_objects_spread_over_the_directories(self):
        self.assertEqual([244, 2441, 24414], [10 ** power // 4096 for power in (6, 7, 8)])
        counts = {}
        for _ in range(40960):
            shard = names.new_object().split('/')[0]
            counts[shard] = counts.get(shard, 0) + 1
        # Ten in each: with fair chance none is empty but one or two, and none has thirty and more.
        self.assertTrue(4080 <= len(counts) <= 4096, len(counts))
        self.assertTrue(max(counts.values()) < 40, max(counts.values()))


class TableTest(DeployTestCase):

    def row(self, name):
        line = re.search('^[|] %s [|].*$' % name, page(), re.M).group(0)
        return [cell.strip() for cell in line.strip('|').split('|')]

    def says(self, folder):
        """Return what `check` says of the filesystem: yes or no, as the columns have it."""
        root = os.path.join(folder, 'root')
        os.mkdir(root)
        status, output, errors = run_python('-m', 'mezeo_fsstore', 'check', root, path=[PROJECT])
        output = output.decode('utf-8')
        self.assertEqual((0, b''), (status, errors), output)

        def of(line):
            return re.search('^.{5} %s +(yes|no|[0-9])' % re.escape(line), output, re.M).group(1)

        inodes = 'no' if of('inodes free') == 'no' else 'yes'
        return (of('sync of directories'), of('copies that share blocks (reflink)'), inodes,
                of('extended attributes'))

    def test_check_says_of_each_filesystem_what_the_table_says(self):
        if os.getuid() != 0:
            self.skipTest('only root can mount')
        if not hasattr(os, 'setxattr'):
            self.skipTest('this Python does not know extended attributes')
        for name in ('tmpfs', 'ext4', 'XFS', 'btrfs'):
            kind = name.lower()
            folder, image, options = self.path('mnt/' + kind), 'tmpfs', 'size=64m'
            os.mkdir(folder)
            if kind != 'tmpfs':
                image, options = self.path(kind), 'loop'
                with open(image, 'wb') as volume:
                    volume.truncate(512 * 2 ** 20)
                subprocess.check_output([tool(self, 'mkfs.' + kind), '-q', image],
                                        stderr=subprocess.STDOUT)
            with mounted(self, kind, folder, options, image):
                said = self.says(folder)
            cells = self.row(name)
            shown = [re.match('yes|no', cells[column]).group(0) for column in (1, 4, 5, 6)]
            self.assertEqual(list(said), shown, name)


class CrontabTest(unittest.TestCase):

    def test_a_percent_sign_ends_the_command_unless_it_is_escaped(self):
        variables, jobs = read_crontab('A = "b c"\n# %\n\n'
                                       '1 2-3 */4 * 0,6  root  date +\\%j\n'
                                       '0 0 * * *  www-data  cat; date +%a%b\n')
        self.assertEqual({'A': 'b c'}, variables)
        self.assertEqual([('root', 'date +%j', ''), ('www-data', 'cat; date +', 'a\nb')], jobs)


class PageTest(unittest.TestCase):

    def test_each_test_that_it_names_exists(self):
        named = set(re.findall(r'`(test_\w+)`', page()))
        self.assertTrue(len(named) > 25, len(named))
        self.assertEqual(set(), named - names_of_tests())

    def test_it_has_no_block_that_is_not_run(self):
        text = page()
        blocks = re.findall('^```[a-z]+$', text, re.M)
        # One is for cron, and run by a test of its own.
        self.assertEqual(len(blocks), len(BLOCK.findall(text)) + 1)
        run = 0
        # Those of CephFS by its own suite.
        for title in ('Set up a node', 'Watch it', 'Inodes', 'CephFS', 'Back up and restore',
                      'Move a root', 'Come from `simple`'):
            run += len(BLOCK.findall(section(title)))
        self.assertEqual(len(BLOCK.findall(text)), run)

    def test_its_options_are_those_that_the_tests_of_the_hosts_need(self):
        lines = page().splitlines()
        for option in VOLUME_OPTIONS.items():
            self.assertTrue('    gluster volume set objects %s %s' % option in lines, option)
        self.assertTrue('  glusterfs  %s,_netdev' % MOUNT_OPTIONS in page())
        for option in OPTIONS:
            self.assertTrue('    ceph config set %s %s %s' % option in lines, option)
        node = CONFIGURATION[:CONFIGURATION.index('<Directory')]
        for line in node.strip().splitlines():
            for word in line.strip(' \\').replace('%%', '%').split(' '):
                if not re.search('%[(]|sub|/main', word):
                    self.assertTrue(word in page(), line)

    def test_each_footnote_is_there_and_used(self):
        body, notes = page().split('\n[^', 1)
        defined = re.findall(r'^\[\^(\w+)\]: ', '[^' + notes, re.M)
        self.assertEqual(len(set(defined)), len(defined))
        self.assertEqual(set(defined), set(re.findall(r'\[\^(\w+)\]', body)))
        for note in re.split(r'^\[\^', '[^' + notes, flags=re.M)[1:]:
            self.assertTrue(re.search('<https://[^>]+>\n', note), note)

    def test_its_links_lead_somewhere(self):
        text = page()
        anchors = [re.sub('[^a-z0-9 -]', '', title.lower()).replace(' ', '-')
                   for title in re.findall('^##+ (.*)$', text, re.M)]
        for link in re.findall(r'\]\(([^)]+)\)', text):
            if link.startswith('#'):
                self.assertTrue(link[1:] in anchors, link)
            else:
                self.assertTrue(os.path.exists(os.path.join(PROJECT, 'docs', link)), link)
        self.assertTrue('(docs/deploy.md)' in read_page('../README.md'))

    def test_the_messages_that_it_explains_are_ours(self):
        sources = ''
        for folder, _, files in os.walk(os.path.join(PROJECT, 'mezeo_fsstore')):
            for name in files:
                if name.endswith('.py'):
                    with open(os.path.join(folder, name), 'rb') as source:
                        sources += re.sub(r"'\s*\n\s*'", '', source.read().decode('utf-8'))
        for message in ('root has no marker', 'root has the marker of ', 'root is missing',
                        'root is no existing directory', 'the marker of the root is damaged',
                        'more than '):
            self.assertTrue("'" + message.replace('root has', 'has') in sources, message)
            self.assertTrue('`%s' % message in page(), message)
