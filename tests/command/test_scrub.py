"""`scrub`: what is damaged on the medium is found, whatever the page cache says."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import time

from mezeo_fsstore import disk
from mezeo_fsstore.admin import medium, pace, proving
from mezeo_fsstore.admin.command_line import main
from tests import Stream, content
from tests.support import (
    SOAK, CommandTestCase, get_attribute, keeps_attributes, mark, mock, mounted, run_python,
    set_attribute, unittest)

SUMMARY = (' whole, ', ' damaged, ', ' unreadable, ', ' unstable, ', ' without digest')


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class ScrubCase(CommandTestCase):

    def setUp(self):
        super(ScrubCase, self).setUp()
        if not keeps_attributes(self.root):
            self.skipTest('no user attributes here, or, for Python 2, no getfattr and setfattr')

    def flip(self, module_data, position=0):
        """Let one bit of an object rot."""
        with open(self.path(module_data), 'r+b') as target:
            target.seek(position)
            byte = bytearray(target.read(1))
            target.seek(position)
            target.write(bytearray([byte[0] ^ 1]))

    def scrub(self, *options):
        """Return the exit status, the verdicts by path, and the counts of the summary."""
        status, output, self.errors = self.run_command('scrub', self.root, '--json', *options)
        return (status,) + self.parsed(output.decode('utf-8'))

    def parsed(self, output):
        lines = [json.loads(line) for line in output.splitlines()]
        return dict((line['path'], line) for line in lines[:-1]), lines[-1]['summary']

    def scrub_here(self, *options):
        """As `scrub`, in this process, so that a test can stand in for parts of it."""
        status, output = self.run_here('--json', *options)
        return (status,) + self.parsed(output)

    def run_here(self, *options):
        """Return the exit status and the output; `self.said` is what is said of failures."""
        pieces, said = [], []
        with mock.patch.object(sys, 'stdout', Written(pieces)):
            with mock.patch.object(sys, 'stderr', Written(said)):
                status = main(['scrub', self.root] + list(options))
        self.said = ''.join(said)
        return status, ''.join(pieces)

    def relative(self, module_data):
        return os.path.relpath(self.path(module_data), self.root)


class Written(object):
    """A standard stream that keeps what is written in the list `pieces`."""

    encoding = 'utf-8'

    def __init__(self, pieces):
        self.write = pieces.append

    def flush(self):
        pass

    def isatty(self):
        return False


class VerdictTest(ScrubCase):

    def test_whole_objects_of_every_size_are_counted_and_no_line_is_printed(self):
        sizes = [0, 1, 511, 512, 4095, 4096, 4097, 1048575, 1048576, 1048577, 3000001]
        for size in sizes:
            self.put(content(size))
        status, found, counts = self.scrub()
        self.assertEqual((0, {}, b''), (status, found, self.errors))
        self.assertEqual((len(sizes), len(sizes), sum(sizes)),
                         (counts['objects'], counts['whole'], counts['bytes']))

    def test_each_kind_of_damage_is_found(self):
        good = self.put(b'good')
        changes = {'flipped': lambda stream: (stream.seek(2000000), stream.write(b'\0\1')),
                   'cut': lambda stream: stream.truncate(2999999),
                   'emptied': lambda stream: stream.truncate(0),
                   'longer': lambda stream: (stream.seek(0, 2), stream.write(b'x')),
                   'zeroed': lambda stream: (stream.seek(4096), stream.write(b'\0' * 4096))}
        bad = {}
        for name in changes:
            bad[name] = self.put(content(3000000))
            with open(self.path(bad[name]), 'r+b') as stream:
                changes[name](stream)
        status, found, counts = self.scrub()
        self.assertEqual(1, status)
        self.assertEqual(set(map(self.relative, bad.values())), set(found))
        for line in found.values():
            self.assertEqual(('damaged', False), (line['verdict'], line['quarantined']))
        self.assertEqual((1, 5), (counts['whole'], counts['damaged']))
        self.assertEqual(b'good', self.get(good))
        self.assertEqual(6, len(self.files()), 'nothing is moved unless it is asked for')

    def test_the_lines_and_the_summary_for_people(self):
        module_data = self.put(b'content')
        self.put(b'other')
        self.flip(module_data)
        os.utime(self.path(module_data), (1338552000, 1338552000))
        status, output, errors = self.run_command('scrub', self.root)
        lines = output.decode('utf-8').splitlines()
        self.assertEqual((1, b''), (status, errors))
        self.assertEqual('damaged\t%s\t7\t2012-06-01T12:00:00Z' % module_data, lines[0])
        self.assertTrue(lines[1].startswith('2 objects, 12 B in '), lines[1])
        self.assertTrue(lines[1].endswith(
            ': 1 whole, 1 damaged, 0 unreadable, 0 unstable, 0 without digest'), lines[1])

    def reads(self, *answers):
        """Let reads of the medium answer so, one after the other: a digest, or an errno."""
        left = list(answers)

        def digest_on_medium(*_):
            answer = left.pop(0)
            if isinstance(answer, int):
                raise OSError(answer, os.strerror(answer))
            return answer, True
        return mock.patch.object(proving, 'digest_on_medium', digest_on_medium)

    def verdict(self, *answers):
        """Return the verdict on one object whose content is `good`, where reads answer so."""
        with self.reads(*answers):
            _, found, counts = self.scrub_here()
        verdicts = [line['verdict'] for line in found.values()]
        return verdicts[0] if verdicts else [name for name in ('whole', 'without_digest')
                                             if counts[name]][0]

    def test_a_verdict_needs_two_reads_that_agree(self):
        module_data = self.put(b'good')
        good, bad, other = sha256(b'good'), '0' * 64, '1' * 64
        for answers, expected in (
                ([good], 'whole'), ([bad, bad], 'damaged'), ([bad, other], 'unstable'),
                ([bad, good], 'unstable'), ([errno.EIO, errno.EIO], 'unreadable'),
                ([errno.EIO, good], 'unstable'), ([errno.EIO, bad], 'unstable'),
                ([bad, errno.EIO], 'unstable')):
            self.assertEqual(expected, self.verdict(*answers), answers)
        # The block layer's own words for a sector that can't be read.
        for number in (errno.ENODATA, errno.EILSEQ, errno.EREMOTEIO, errno.EBADMSG, errno.EUCLEAN):
            self.assertEqual('unreadable', self.verdict(number, number), number)
        set_attribute(self.path(module_data), None)
        for answers, expected in (([good], 'without_digest'),
                                  ([errno.EIO, errno.EIO], 'unreadable'),
                                  ([errno.EIO, good], 'unstable')):
            self.assertEqual(expected, self.verdict(*answers), answers)

    def test_the_second_read_goes_to_other_memory(self):
        self.put(b'good')
        rooms = []

        def digest_on_medium(fd, room, spend):
            rooms.append(room)
            return '0' * 64, True
        with mock.patch.object(proving, 'digest_on_medium', digest_on_medium):
            self.scrub_here()
        self.assertEqual(2, len(rooms))
        self.assertFalse(rooms[0] is rooms[1])

    def test_what_was_replaced_or_deleted_meanwhile_is_no_damage(self):
        for change in (lambda: self.storage.assign(None, module_data, Stream(b'new')),
                       lambda: self.storage.delete(None, module_data)):
            module_data = self.put(b'old')
            self.flip(module_data)
            original = proving.digest_on_medium

            def digest_on_medium(*arguments):
                result = original(*arguments)
                if calls:
                    calls.pop()()
                return result
            calls = [change]
            with mock.patch.object(proving, 'digest_on_medium', digest_on_medium):
                status, found, _ = self.scrub_here('--quarantine')
            self.assertEqual((0, {}), (status, found))

    def test_what_can_not_be_asked_is_a_line_and_the_walk_goes_on(self):
        bad, good = self.put(b'bad'), self.put(b'good')
        original = disk.open_to_read

        def open_to_read(path):
            if path == self.path(bad):
                raise OSError(errno.EACCES, 'not permitted', path)
            return original(path)
        with mock.patch.object(disk, 'open_to_read', open_to_read):
            status, found, counts = self.scrub_here()
        said = self.said
        self.assertEqual((1, {}, 1), (status, found, counts['whole']))
        self.assertEqual(1, said.count('\n'), said)
        self.assertTrue(self.path(bad) in said, said)
        self.assertEqual(b'good', self.get(good))

    def test_an_attribute_that_is_no_digest_is_said_and_left_alone(self):
        module_data = self.put()
        set_attribute(self.path(module_data), 'of another kind')
        for options in ([], ['--sign'], ['--quarantine']):
            status, found, counts = self.scrub(*options)
            self.assertEqual((1, {}, 0), (status, found, counts['signed']))
            self.assertTrue(b'user.sha256 is no digest' in self.errors, self.errors)
        self.assertEqual('of another kind', get_attribute(self.path(module_data)))

    def test_objects_without_a_digest_alone_are_counted_and_no_failure(self):
        self.make(digest='none').put(None, Stream(b'content'))
        status, found, counts = self.scrub()
        self.assertEqual((0, {}, 0, 1), (status, found, counts['whole'], counts['without_digest']))

    def test_a_wrong_root_is_refused(self):
        status, output, errors = self.run_command('scrub', os.path.join(self.root, 'missing'))
        self.assertEqual((1, b''), (status, output))
        self.assertTrue(b'missing' in errors)

    def test_bad_options_are_bad_usage(self):
        for options in (['--part', '0/3'], ['--part', '4/3'], ['--part', '1/4097'],
                        ['--part', '1'], ['--part', '1/0'], ['--part', '-1/3'], ['--rate', '0'],
                        ['--rate', 'x'], ['--rate', '5Q'], ['--most', '-1'], ['--most', 'x']):
            status, _, errors = self.run_command('scrub', self.root, *options)
            self.assertEqual(2, status, options)
            self.assertTrue(b'expected' in errors, errors)


class GoneTest(ScrubCase):

    def test_a_volume_that_was_unmounted_on_the_way_is_a_failure(self):
        mark(self.root)
        for _ in range(3):
            self.put()
        prove = proving.Prover.prove

        def unmount(prover, *arguments):
            if os.path.exists(os.path.join(self.root, '.mezeo_fsstore')):
                os.rename(self.root, self.root + '.away')
                os.mkdir(self.root)
            return prove(prover, *arguments)
        with mock.patch.object(proving.Prover, 'prove', unmount):
            self.assertEqual((1, ''), self.run_here())
        self.assertTrue('root has no marker' in self.said, self.said)


class PartTest(ScrubCase):

    def test_parts_are_disjoint_and_make_the_whole(self):
        made = set(self.relative(self.put(b'x')) for _ in range(60))
        for path in made:
            self.flip('{"path": "%s"}' % path)
        for parts in (1, 3, 7, 4096):
            seen = []
            for part in (range(1, parts + 1) if parts < 100 else sorted(
                    set(int(path[:3], 16) + 1 for path in made))):
                _, found, _ = self.scrub_here('--part', '%d/%d' % (part, parts))
                for path in found:
                    self.assertEqual(part - 1, int(path[:3], 16) % parts)
                seen += list(found)
            self.assertEqual(sorted(made), sorted(seen))


class SignTest(ScrubCase):

    def test_an_object_without_a_digest_gets_that_of_its_content(self):
        module_data = self.make(digest='none').put(None, Stream(content(5000)))
        status, found, counts = self.scrub('--sign')
        self.assertEqual((0, {}, 1, 1, 0), (status, found, counts['signed'], counts['whole'],
                                            counts['without_digest']))
        self.assertEqual(sha256(content(5000)), get_attribute(self.path(module_data)))
        self.assertEqual(0, self.scrub('--sign')[2]['signed'])

    def test_two_reads_that_do_not_agree_sign_nothing(self):
        module_data = self.make(digest='none').put(None, Stream(b'content'))
        answers = ['0' * 64, '1' * 64]
        with mock.patch.object(proving, 'digest_on_medium', lambda *_: (answers.pop(), True)):
            _, found, counts = self.scrub_here('--sign')
        self.assertEqual(0, counts['signed'])
        self.assertEqual('unstable', found[self.relative(module_data)]['verdict'])
        self.assertTrue(get_attribute(self.path(module_data)) is None)

    def test_what_can_not_be_signed_is_said_for_each(self):
        for number in (errno.EACCES, errno.EOPNOTSUPP, errno.ENOSPC):
            module_data = self.make(digest='none').put(None, Stream(b'content'))
            with mock.patch.object(disk, 'set_attribute', side_effect=OSError(number, 'no')):
                status, _, counts = self.scrub_here('--sign')
            self.assertEqual((1, 0), (status, counts['signed']))
            self.assertTrue(self.path(module_data) in self.said)
            os.unlink(self.path(module_data))


class MediumTest(ScrubCase):

    def on_loop(self, kind, size):
        """Return the path of a file with a fresh filesystem."""
        image = os.path.join(self.folder, kind + '.image')
        with open(image, 'wb') as target:
            target.truncate(size)
        try:
            process = subprocess.Popen(['mkfs.' + kind, '-q', image], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
        except OSError as error:
            self.skipTest('no mkfs.%s: %s' % (kind, error))
        output = process.communicate()[0]
        self.assertEqual(0, process.returncode, output)
        return image

    def rot_below(self, kind, size):
        """A byte changes below the mounted filesystem, whose page cache has the right one."""
        image = self.on_loop(kind, size)
        data = os.urandom(65536)
        with mounted(self, kind, self.root, 'loop', source=image):
            bad, good = self.put(data), self.put(content(100000))
            subprocess.check_call(['sync', '-f', self.root])
            with open(image, 'r+b') as below:
                place = below.read().index(data[4096:8192])
                below.seek(place + 100)
                byte = bytearray(below.read(1))
                below.seek(place + 100)
                below.write(bytearray([byte[0] ^ 4]))
            self.assertEqual(data, self.get(bad), 'the cache covers it')
            status, found, counts = self.scrub()
            self.assertEqual((1, [self.relative(bad)]), (status, list(found)), self.errors)
            self.assertEqual('damaged', found[self.relative(bad)]['verdict'])
            self.assertEqual((1, True), (counts['whole'], counts['from_medium']))
            self.assertTrue(content(100000) == self.get(good))

    def test_a_byte_that_rots_under_a_page_that_is_cached_is_found_on_ext4(self):
        self.rot_below('ext4', 64 * 1024 ** 2)

    def test_a_byte_that_rots_under_a_page_that_is_cached_is_found_on_xfs(self):
        self.rot_below('xfs', 400 * 1024 ** 2)

    def test_what_is_no_local_disk_is_said_to_be_as_the_filesystem_served_it(self):
        with mounted(self, 'tmpfs', self.root, 'size=8m'):
            self.put(b'content')
            self.assertFalse(self.scrub()[2]['from_medium'])
            output = self.run_command('scrub', self.root)[1].decode('utf-8')
        self.assertTrue(', as the filesystem served it: ' in output, output)

    def test_where_direct_reads_are_refused_it_reads_all_the_same_and_says_so(self):
        self.put(content(3000000))
        for patch in (mock.patch.object(medium.fcntl, 'fcntl', side_effect=OSError(22, 'no')),
                      mock.patch.object(medium, 'forget_pages', side_effect=OSError(22, 'no'))):
            with patch:
                status, found, counts = self.scrub_here()
            self.assertEqual((0, {}, 1), (status, found, counts['whole']))
        with mock.patch.object(medium.fcntl, 'fcntl', side_effect=OSError(22, 'no')):
            self.assertFalse(self.scrub_here()[2]['from_medium'])

    def test_a_short_direct_read_is_no_end(self):
        data = content(3000000)
        self.put(data)
        original = medium.io.FileIO

        class Short(original):
            def readinto(self, room):
                position = os.lseek(self.fileno(), 0, os.SEEK_CUR)
                if short[0]:
                    # What follows a piece of this length can't be read directly.
                    short[0] -= 1
                    piece = os.pread(self.fileno(), 4096, position)[:1000] if hasattr(
                        os, 'pread') else data[position:position + 1000]
                    room[:len(piece)] = piece
                    os.lseek(self.fileno(), position + len(piece), os.SEEK_SET)
                    return len(piece)
                return super(Short, self).readinto(room)
        for number in (1, 3):
            short = [number]
            with mock.patch.object(medium.io, 'FileIO', Short):
                status, found, counts = self.scrub_here()
            self.assertEqual((0, {}, 1), (status, found, counts['whole']))


class PaceTest(unittest.TestCase):

    def test_no_more_than_the_rate_is_read_in_a_second(self):
        now, slept = [1000.0], []

        def sleep(seconds):
            slept.append(seconds)
            now[0] += seconds
        with mock.patch.object(pace, '_now', lambda: now[0]):
            with mock.patch.object(pace.time, 'sleep', sleep):
                limited = pace.Pace(1000)
                for _ in range(10):
                    limited.spend(500)
                    now[0] += 0.1
        self.assertTrue(sum(slept) + 1 >= 5 - 0.5, slept)
        self.assertTrue(sum(slept) < 5)

    def test_a_clock_that_is_set_back_stops_nothing(self):
        with mock.patch.object(pace.time, 'sleep') as sleep:
            limited = pace.Pace(10 ** 6)
            with mock.patch.object(pace.time, 'time', return_value=time.time() - 3600):
                limited.spend(10 ** 6)
        self.assertTrue(sleep.call_args[0][0] <= 1, sleep.call_args)

    def test_without_a_rate_nothing_waits(self):
        with mock.patch.object(pace.time, 'sleep') as sleep:
            pace.Pace(None).spend(10 ** 12)
        self.assertFalse(sleep.called)


class WritersTest(ScrubCase):
    """No object is called damaged that was only replaced or deleted."""

    settings = {'durable': False, 'digest': 'sha256'}

    WRITER = r'''
import os, random, sys
from mezeo_fsstore import FilesystemStorage
from tests import Stream, content
root, seed = sys.argv[1:]
storage = FilesystemStorage(root=root, durable=False, digest='sha256')
chance = random.Random(int(seed))
names = ['{"path": "%03x/%032x"}' % (n % 7, n) for n in range(40)]
while os.getppid() != 1:
    name = chance.choice(names)
    if chance.random() < 0.2:
        storage.delete(None, name)
    else:
        storage.assign(None, name, Stream(content(chance.choice([0, 10, 5000, 200000]))))
'''

    def test_objects_that_are_replaced_and_deleted_all_the_time_are_whole(self):
        least = 50000 if SOAK else 2000
        from tests.support import start_python
        writers = [start_python('-c', self.WRITER, self.root, str(seed)) for seed in (1, 2)]
        try:
            seen = moved = 0
            while seen < least:
                status, found, counts = self.scrub_here(*['--quarantine'] * (seen % 2))
                self.assertEqual((0, {}), (status, found))
                seen += counts['objects']
                moved += counts['quarantined']
        finally:
            for writer in writers:
                writer.kill()
                writer.communicate()
        self.assertEqual(0, moved)
        for path in self.temporaries():
            os.unlink(os.path.join(self.root, path))


class InterruptTest(ScrubCase):

    def test_an_interrupt_ends_it_with_130_and_leaves_all_as_it_was(self):
        self.put()
        with mock.patch.object(proving, 'digest_on_medium', side_effect=KeyboardInterrupt):
            with mock.patch.object(sys, 'stdout'):
                self.assertEqual(130, main(['scrub', self.root, '--quarantine']))
        self.assertEqual(1, len(self.files()))

    def test_help_fits_on_a_screen(self):
        status, output, errors = run_python('-m', 'mezeo_fsstore', 'scrub', '--help')
        self.assertEqual((0, b''), (status, errors))
        self.assertTrue(output.count(b'\n') < 40)
        for word in SUMMARY[1:4]:
            self.assertTrue(word.strip(' ,') in output.decode('utf-8'))
