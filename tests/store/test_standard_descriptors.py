"""A host that has closed its standard streams: what it logs never ends up in an object."""

import os

from tests.support import RootTestCase, run_python

# 0, 1 and 2 are closed; a second thread logs to them as long as objects are stored and read.
HOST = r'''
import io, os, sys, threading
from mezeo_fsstore import FilesystemStorage
root, durable, result, writers = sys.argv[1:]
storage = FilesystemStorage(root=root, durable=durable)
for fd in (0, 1, 2):
    os.close(fd)
done, wrong = [], []

def log():
    while not done:
        for fd in (0, 1, 2):
            try:
                os.write(fd, b'a line of the log\n')
            except OSError:
                pass

def work():
    try:
        for number in range(120):
            content = b'%d' % number * 300 if sys.version_info[0] == 2 else bytes([number]) * 300
            module_data = storage.put(None, io.BytesIO(content))
            download = storage.get_read_stream(None, module_data)
            copied = storage.put(None, download)
            download.seek(0)
            second = storage.get_read_stream(None, copied)
            if not download.read() == second.read() == content:
                wrong.append(number)
            second.close()
            download.close()
    except Exception as error:
        wrong.append(repr(error))

logger = threading.Thread(target=log)
logger.start()
workers = [threading.Thread(target=work) for _ in range(int(writers))]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
done.append(True)
logger.join()
with open(result, 'w') as target:
    target.write('wrong: %r' % wrong)
'''


class StandardDescriptorsTest(RootTestCase):

    def host(self, durable, writers):
        """Return what a host without standard streams has to say in the end."""
        result = os.path.join(self.folder, 'result')
        run_python('-c', HOST, self.root, durable, result, str(writers))
        with open(result) as source:
            return source.read()

    def test_what_another_thread_logs_is_never_in_an_object(self):
        for durable in ('true', 'false'):
            self.assertEqual('wrong: []', self.host(durable, 1))

    def test_nor_where_several_threads_write_objects(self):
        # One holds the low numbers, and gives them back while the other makes its file.
        self.assertEqual('wrong: []', self.host('false', 3))

    def test_a_file_that_is_written_is_on_none_of_them(self):
        status, output, errors = run_python('-c', '\n'.join([
            'import os, sys',
            'from mezeo_fsstore import disk',
            'saved = os.dup(1)',
            'for fd in (0, 1, 2):',
            '    os.close(fd)',
            'fd = disk.create(sys.argv[1])',
            'free = [low for low in (0, 1, 2) if not os.path.exists("/proc/self/fd/%d" % low)]',
            'os.write(saved, ("%d %r" % (fd, free)).encode("ascii"))']),
            os.path.join(self.root, 'file'))
        self.assertEqual((0, b''), (status, errors))
        fd, free = output.decode('ascii').split(' ', 1)
        self.assertTrue(int(fd) > 2, fd)
        self.assertEqual('[0, 1, 2]', free)
        self.assertEqual(['file'], self.files())
        os.unlink(os.path.join(self.root, 'file'))

    def test_the_first_number_after_them_serves(self):
        status, output, errors = run_python('-c', '\n'.join([
            'import os, sys',
            'from mezeo_fsstore import disk',
            'os.closerange(3, 100)',
            'print(disk.create(sys.argv[1]))']), os.path.join(self.root, 'file'))
        self.assertEqual((0, b'3', b''), (status, output.strip(), errors))
