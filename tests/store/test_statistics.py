"""`statistics`: bytes and inodes of the root's filesystem, from one call, -1 where unknown."""

import json
import os
import shutil

from tests.support import RootTestCase, mark, mock

UNKNOWN = {'total': -1, 'free': -1, 'used': -1}


class Volume(object):
    """The answer of `statvfs` for a volume whose every field is another number."""

    f_bsize, f_frsize = 1048576, 4096
    f_blocks, f_bfree, f_bavail = 1000, 500, 400
    f_files, f_ffree, f_favail = 900, 300, 200


class StatisticsTest(RootTestCase):

    def of(self, **fields):
        volume = Volume()
        for name in fields:
            setattr(volume, name, fields[name])
        with mock.patch('os.statvfs', return_value=volume) as statvfs:
            statistics = self.storage.statistics(None)
        statvfs.assert_called_once_with(self.root)
        return statistics

    def test_free_is_what_an_ordinary_writer_still_gets(self):
        self.assertEqual({'capacity': {'total': 4096000, 'free': 1638400, 'used': 2457600},
                          'inodes': {'total': 900, 'free': 200, 'used': 700}}, self.of())

    def test_a_filesystem_without_a_number_of_inodes_says_unknown(self):
        self.assertEqual(UNKNOWN, self.of(f_files=0, f_favail=0)['inodes'])

    def test_so_does_one_that_says_more_are_free_than_there_are(self):
        # CephFS: as many as it holds, and all bits of the free ones, which Python takes for -1.
        for free in (-1, 2 ** 64 - 1):
            self.assertEqual(UNKNOWN, self.of(f_files=28556, f_favail=free)['inodes'])

    def test_a_full_volume_is_known(self):
        full = {'total': 900, 'free': 0, 'used': 900}
        self.assertEqual(full, self.of(f_favail=0)['inodes'])

    def test_so_are_an_empty_volume_and_one_of_a_single_inode(self):
        self.assertEqual({'total': 900, 'free': 900, 'used': 0}, self.of(f_favail=900)['inodes'])
        self.assertEqual({'total': 1, 'free': 1, 'used': 0},
                         self.of(f_files=1, f_favail=1)['inodes'])

    def test_a_filesystem_without_a_size_says_unknown(self):
        for fields in ({'f_blocks': 0, 'f_bavail': 0}, {'f_frsize': 0}):
            self.assertEqual(UNKNOWN, self.of(**fields)['capacity'])

    def test_a_storage_that_can_not_be_asked_says_unknown(self):
        nothing = {'capacity': UNKNOWN, 'inodes': UNKNOWN}
        with mock.patch('os.statvfs', side_effect=OSError(5, 'broken')):
            self.assertEqual(nothing, self.storage.statistics(None))
        shutil.rmtree(self.root)
        self.assertEqual(nothing, self.storage.statistics(None))

    def test_the_system_disk_is_not_taken_for_an_unmounted_volume(self):
        self.storage = self.make(root_id=mark(self.root))
        self.assertTrue(self.storage.statistics(None)['capacity']['total'] > 0)
        os.unlink(os.path.join(self.root, '.mezeo_fsstore'))
        self.assertEqual({'capacity': UNKNOWN, 'inodes': UNKNOWN}, self.storage.statistics(None))

    def test_it_is_json_and_agrees_with_the_system(self):
        statistics = json.loads(json.dumps(self.storage.statistics(None)))
        volume = os.statvfs(self.root)
        self.assertEqual(volume.f_blocks * volume.f_frsize, statistics['capacity']['total'])
        for numbers in (statistics['capacity'], statistics['inodes']):
            self.assertEqual(['free', 'total', 'used'], sorted(numbers))
            if numbers['total'] != -1:
                self.assertEqual(numbers['total'] - numbers['free'], numbers['used'])
