"""No call of the system too many: each operation makes those that its guarantees need.

`bench/syscalls.py` shows the same by strace, beside the bare calls.
"""

from tests import Stream
from tests.faults.system_calls import Recording
from tests.support import RootTestCase, mark


class CallsTest(RootTestCase):

    settings = {'durable': False}

    def calls(self, method, *arguments):
        with Recording(failures=True) as seam:
            result = getattr(self.storage, method)(None, *arguments)
        if hasattr(result, 'close'):
            result.close()
        return [name for name, _, _ in seam.calls]

    def put_again(self):
        return self.calls('assign', self.module_data, Stream(b'new'))

    def setUp(self):
        super(CallsTest, self).setUp()
        self.module_data = self.put()
        self.missing = self.storage.new_data(None)

    def test_reads(self):
        for method, module_data, expected in (
                ('available', self.module_data, ['lstat', 'lstat']),
                ('available', self.missing, ['lstat', 'lstat', 'stat']),
                ('get_size', self.module_data, ['lstat', 'lstat']),
                ('get_read_stream', self.module_data, ['lstat', 'open', 'fstat'])):
            self.assertEqual(expected, self.calls(method, module_data), method)

    def test_a_new_name_and_statistics(self):
        self.assertEqual([], self.calls('new_data'))
        self.assertEqual(['statvfs'], self.calls('statistics'))

    def test_writes(self):
        self.assertEqual(['open', 'open', 'fchmod', 'write', 'close', 'rename', 'close'],
                         self.put_again())
        self.assertEqual(['lstat', 'unlink'], self.calls('delete', self.module_data))

    def test_durable_writes(self):
        self.storage = self.make(durable=True)
        self.assertEqual(['open', 'fstat',
                          'open', 'fchmod', 'write', 'fsetxattr', 'fsync', 'close',
                          'rename', 'fsync', 'close'], self.put_again())
        self.assertEqual(['open', 'unlink', 'fsync', 'close'],
                         self.calls('delete', self.module_data))

    def test_a_marker_is_looked_at_once_and_not_at_all_by_reads_of_what_is_there(self):
        self.storage = self.make(root_id=mark(self.root))
        for method, arguments, times in (
                ('available', [self.module_data], 1), ('available', [self.missing], 1),
                ('get_size', [self.module_data], 0), ('get_read_stream', [self.module_data], 0),
                ('assign', [self.module_data, Stream(b'new')], 1), ('statistics', [], 1),
                ('delete', [self.module_data], 1)):
            self.assertEqual(times, self.calls(method, *arguments).count('read'), method)
