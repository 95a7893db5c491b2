"""`simple`: the reference module keeps the contract, and what its comments say."""

import errno
import os
import re
import shutil
import tempfile

from simple.simple import SimpleStorage
from tests import StorageModuleTestBase, Stream
from tests.kit.streams import FalteringStream
from tests.support import mock, unittest


class SimpleStorageTest(StorageModuleTestBase, unittest.TestCase):

    deleteOfMissingRaises = False
    readersOutliveDelete = readersOutliveAssign = True

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='simple-test-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        super(SimpleStorageTest, self).setUp(self.makeConnector())

    def makeConnector(self):
        return SimpleStorage(storage_dir=self.folder)

    def makeConnectorElsewhere(self):
        folder = tempfile.mkdtemp(prefix='simple-test-')
        self.addCleanup(shutil.rmtree, folder)
        return SimpleStorage(storage_dir=folder)

    def listStorage(self):
        return os.listdir(self.folder)

    def compareWrittenData(self, module_data, data):
        with open(os.path.join(self.folder, module_data), 'rb') as written:
            self.assertEqual(data, written.read())

    def test_the_name_is_a_hexadecimal_uuid_and_dat(self):
        self.assertTrue(re.match(r'[0-9a-f]{32}\.dat\Z', self.connector.new_data({})))

    def test_the_name_is_random_over_processes(self):
        with mock.patch('uuid.uuid1', side_effect=AssertionError):
            self.connector.new_data({})

    def test_a_broken_stream_leaves_no_file(self):
        self._expectStreamError(self.connector.new_data({}))
        self.assertEqual([], os.listdir(self.folder))

    def test_a_stream_that_returns_no_bytes_is_refused_and_leaves_no_file(self):
        for odd in (None, u'', u'text'):
            self.assertRaises(TypeError, self.connector.assign, {}, self.connector.new_data({}),
                              FalteringStream(b'content', odd))
            self.assertEqual([], os.listdir(self.folder))

    def test_a_failed_rename_leaves_no_file(self):
        module_data = self.connector.new_data({})
        with mock.patch('os.rename', side_effect=OSError(errno.EIO, 'broken')):
            self.assertRaises(OSError, self.connector.assign, {}, module_data, Stream(b'x'))
        self.assertEqual([], os.listdir(self.folder))

    def test_no_other_file_is_reached(self):
        for bad in ('../x', '/etc/passwd', '', '0' * 32, '0' * 32 + '.dat\n', '0' * 32 + '.dat/..'):
            self.assertRaises(ValueError, self.connector.get_size, {}, bad)

    def test_a_missing_directory_is_no_missing_object(self):
        shutil.rmtree(self.folder)
        self.assertRaises(OSError, self.connector.available, {}, self.connector.new_data({}))

    def test_a_failing_disk_is_no_missing_object(self):
        with mock.patch('os.stat', side_effect=OSError(errno.EIO, 'broken')):
            self.assertRaises(OSError, self.connector.available, {}, self.connector.new_data({}))

    def test_statistics_are_what_an_ordinary_writer_gets(self):
        volume = mock.Mock(f_frsize=4096, f_bsize=1, f_blocks=100, f_bfree=60, f_bavail=50)
        with mock.patch('os.statvfs', return_value=volume):
            self.assertEqual({'capacity': {'total': 409600, 'free': 204800, 'used': 204800}},
                             self.connector.statistics({}))

    def test_statistics_that_can_not_be_had_are_unknown(self):
        shutil.rmtree(self.folder)
        self.assertEqual({'capacity': {'total': -1, 'free': -1, 'used': -1}},
                         self.connector.statistics({}))

    def test_a_delete_that_fails_says_so(self):
        with mock.patch('os.remove', side_effect=OSError(errno.EIO, 'broken')):
            self.assertRaises(OSError, self.connector.delete, {}, self.connector.new_data({}))
