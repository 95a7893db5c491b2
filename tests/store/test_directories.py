"""The listing of a directory, as `ls`, `sweep` and `scrub` walk a root with it."""

import errno
import os
import stat

from mezeo_fsstore import disk
from tests.support import RootTestCase, mock, open_descriptors


class Entry(object):
    """What a listing yields: `status` is an answer of lstat, or the error in its place."""

    def __init__(self, name, status):
        self.name, self._status = name, status

    def stat(self, follow_symlinks):
        assert follow_symlinks is False
        if isinstance(self._status, BaseException):
            raise self._status
        return self._status


class DirectoriesTest(RootTestCase):

    def listing(self, *entries):
        """Let each listing be of these; an exception among them is raised in its turn."""
        self.closed = []

        def iterate(path):
            try:
                for entry in entries:
                    if isinstance(entry, BaseException):
                        raise entry
                    yield entry
            finally:
                self.closed.append(path)
        return mock.patch.object(disk, 'iterate_entries', iterate)

    def test_each_name_comes_with_its_own_status(self):
        os.mkdir(os.path.join(self.root, 'folder'))
        os.symlink('folder', os.path.join(self.root, 'link'))
        os.mkfifo(os.path.join(self.root, 'fifo'))
        found = list(disk.scan(self.root))
        self.assertEqual([None] * 3, [error for _, _, error in found])
        self.assertEqual(
            dict((name, os.lstat(os.path.join(self.root, name))) for name in os.listdir(self.root)),
            dict((name, status) for name, status, _ in found))
        self.assertTrue(stat.S_ISLNK(dict((name, one) for name, one, _ in found)['link'].st_mode))
        self.assertEqual(['fifo', 'folder', 'link'], sorted(disk.listdir(self.root)))

    def test_what_can_not_be_asked_is_told_and_the_walk_goes_on(self):
        broken = OSError(errno.EIO, 'broken', 'its path')
        with self.listing(Entry('bad', broken), Entry('good', 'status')):
            self.assertEqual([('bad', None, broken), ('good', 'status', None)],
                             list(disk.scan(self.root)))
        self.assertEqual(([self.root], 'its path'), (self.closed, broken.filename))

    def test_what_has_vanished_is_left_out(self):
        for number in (errno.ENOENT, errno.ENOTDIR):
            with self.listing(Entry('gone', OSError(number, 'gone')), Entry('good', 'status')):
                self.assertEqual([('good', 'status', None)], list(disk.scan(self.root)))
            self.assertEqual(True, disk.has_vanished(OSError(number, 'gone')))
        self.assertEqual(False, disk.has_vanished(OSError(errno.EIO, 'broken')))

    def test_a_listing_that_can_not_go_on_ends_with_its_error_and_a_path(self):
        for path, expected in ((None, self.root), ('its path', 'its path')):
            broken = OSError(errno.EIO, 'broken', path)
            with self.listing(Entry('good', 'status'), broken, Entry('never', 'seen')):
                self.assertEqual([('good', 'status', None), ('', None, broken)],
                                 list(disk.scan(self.root)))
            self.assertEqual(expected, broken.filename)

    def test_a_listing_that_can_not_begin_is_one_error(self):
        missing = os.path.join(self.root, 'missing')
        (name, status, error), = disk.scan(missing)
        self.assertEqual(('', None, errno.ENOENT, missing),
                         (name, status, error.errno, error.filename))

    def test_an_interrupt_ends_the_walk(self):
        for interrupt in (KeyboardInterrupt, MemoryError):
            for entry in (Entry('bad', interrupt()), interrupt()):
                with self.listing(entry):
                    self.raised(interrupt, lambda: list(disk.scan(self.root)))

    def test_a_walk_that_ends_early_keeps_no_descriptor(self):
        for name in 'abc':
            open(os.path.join(self.root, name), 'w').close()
        before = open_descriptors()
        for walk in (disk.scan, disk.listdir):
            entries = walk(self.root)
            next(entries)
            entries.close()
            self.assertEqual(before, open_descriptors())

    def test_a_directory_is_told_also_through_a_link(self):
        link, path = [os.path.join(self.folder, name) for name in ('link', 'file')]
        os.symlink(self.root, link)
        open(path, 'w').close()
        for there, expected in ((self.root, True), (link, True), (path, False),
                                (path + '/below', False), (self.root + '/missing', False)):
            self.assertEqual(expected, disk.is_directory(there), there)

    def test_a_touch_is_seen_by_the_time_of_the_change(self):
        os.utime(self.root, (1000, 1000))
        disk.touch(self.root)
        self.assertTrue(os.stat(self.root).st_mtime > 1000000000)

    def test_an_empty_directory_is_removed_and_no_other(self):
        folder = os.path.join(self.root, 'folder')
        os.mkdir(folder)
        disk.remove_directory(folder)
        self.assertFalse(os.path.exists(folder))
        open(os.path.join(self.root, 'file'), 'w').close()
        error = self.raised(EnvironmentError, disk.remove_directory, self.root)
        self.assertEqual((errno.ENOTEMPTY, self.root), (error.errno, error.filename))
