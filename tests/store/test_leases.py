"""A file server over the same root may hold a lease: an open waits until it is given back."""

import errno
import fcntl
import os
import signal
import threading

from mezeo_fsstore import disk
from mezeo_fsstore.compat import O_CLOEXEC, O_PATH
from tests import Stream
from tests.faults.system_calls import Failing
from tests.support import RootTestCase, mark, mock


class LeaseTest(RootTestCase):

    def lease(self, path):
        """Take a write lease on the file; `self.holder` is the descriptor that has it."""
        # The kernel tells the holder by this signal, which would end the process.
        self.addCleanup(signal.signal, signal.SIGIO, signal.signal(signal.SIGIO, signal.SIG_IGN))
        os.chmod(path, 0o600)
        self.holder = os.open(path, os.O_RDWR)
        try:
            fcntl.fcntl(self.holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except EnvironmentError as error:
            os.close(self.holder)
            self.skipTest('no lease can be had here: %s' % error)

    def give_back_when_asked(self, call, *arguments):
        """Return what `call` returns; the lease is given back once the call waits for that."""
        results = []
        worker = threading.Thread(target=lambda: results.append(self.outcome(call, *arguments)))
        worker.start()
        try:
            while worker.is_alive() and fcntl.fcntl(
                    self.holder, fcntl.F_GETLEASE) == fcntl.F_WRLCK:
                worker.join(0.01)
        finally:
            os.close(self.holder)
            worker.join()
        self.assertFalse(isinstance(results[0], Exception), results[0])
        return results[0]

    def outcome(self, call, *arguments):
        try:
            return call(*arguments)
        except Exception as error:
            return error

    def test_a_download_waits_until_it_is_given_back(self):
        module_data = self.put(b'content')
        self.lease(self.path(module_data))
        self.assertEqual(b'content', self.give_back_when_asked(self.get, module_data))

    def test_a_put_waits_for_a_lease_on_the_marker(self):
        self.storage = self.make(root_id=mark(self.root))
        self.lease(os.path.join(self.root, '.mezeo_fsstore'))
        module_data = self.give_back_when_asked(self.storage.put, None, Stream(b'content'))
        self.assertEqual(b'content', self.get(module_data))

    def leased(self, path, looked_at):
        """Return an `os.open` for which `path` has a lease until `looked_at()` was called."""
        original = os.open

        def opened(name, flags, *mode):
            if name.startswith('/proc/self/fd/'):
                self.assertEqual(os.O_RDONLY | O_CLOEXEC, flags)
            elif name == path:
                if flags & os.O_NONBLOCK:
                    raise OSError(errno.EAGAIN, 'leased', name)
                self.assertEqual(O_PATH | os.O_NOFOLLOW | O_CLOEXEC, flags)
                fd = original(name, flags, *mode)
                looked_at()
                return fd
            return original(name, flags, *mode)
        return mock.patch.object(disk.os, 'open', opened)

    def test_no_fifo_that_takes_the_place_of_the_file_is_waited_for(self):
        module_data = self.put()
        path = self.path(module_data)

        def plant():
            os.rename(path, path + '.seen')
            os.mkfifo(path)
        with self.leased(path, plant):
            self.assertEqual(b'content', self.get(module_data))
            error = self.raised(EnvironmentError, self.get, module_data)
        self.assertEqual((errno.EINVAL, path), (error.errno, error.filename))

    def test_no_link_that_takes_the_place_of_the_file_is_followed(self):
        module_data = self.put()
        path = self.path(module_data)
        os.rename(path, path + '.seen')
        os.symlink(path + '.seen', path)
        with self.leased(path, lambda: None):
            error = self.raised(EnvironmentError, self.get, module_data)
        self.assertEqual((errno.EINVAL, path), (error.errno, error.filename))

    def test_an_error_of_the_second_open_names_the_file(self):
        module_data = self.put()
        path = self.path(module_data)
        with self.leased(path, lambda: None):
            with Failing(errno.EMFILE, fits=lambda name, arguments: (
                    name == 'open' and arguments[0].startswith('/proc/'))):
                error = self.raised(EnvironmentError, self.get, module_data)
        self.assertEqual((errno.EMFILE, path), (error.errno, error.filename))
