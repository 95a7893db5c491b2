"""Whether a replacement is one step for a reader in another process."""

import errno
import io
import mmap
import os
import signal

from mezeo_fsstore.admin.check_report import Fault, Warn

# Seconds for which one process replaces and another reads, and for which the latter waits for the
# former to begin.
_DURATION = 0.5
_PATIENCE = 10


def replace_under_reader(storage, on_nfs):
    """Replace an object again and again while another process reads it; return what that saw.

    Raises Fault where the reader found the object missing, or neither the old nor the new content,
    Warn where it was never replaced meanwhile.
    `on_nfs` it may be missing for a moment: the client renames a file that is read away first.
    """
    # Of two sizes, as the old size with the new bytes is a fault to find.
    contents = [os.urandom(4096), os.urandom(10001)]
    module_data = storage.new_data(None)
    storage.assign(None, module_data, io.BytesIO(contents[0]))
    replaced = 0
    # Memory that both processes see: on a busy machine the one may be late.
    begun = mmap.mmap(-1, 1)
    reader = _Child(lambda: _read_on(storage, module_data, contents, begun))
    try:
        while not reader.has_ended():
            begun[:] = b'1'
            storage.assign(None, module_data, io.BytesIO(contents[1 - replaced % 2]))
            replaced += 1
        looks, missing, torn, failure = reader.numbers()
    finally:
        reader.end()
        begun.close()
    seen = 'of %d looks at an object that was replaced %d times' % (looks, replaced)
    if failure:
        raise Fault('%s: the reader fails, at the last %s' % (os.strerror(failure), seen))
    if torn:
        raise Fault('%d %s saw neither the old nor the new content' % (torn, seen))
    if missing and on_nfs:
        raise Warn('%d %s found nothing, as NFS has it for readers on the same node'
                   % (missing, seen))
    if missing:
        raise Fault('%d %s found nothing' % (missing, seen))
    if not replaced:
        raise Warn('can not be told: the machine was too busy to replace it during %d looks'
                   % looks)
    return 'one step, at each ' + seen


def _read_on(storage, module_data, contents, begun):
    """Look at the object for a while, from when `begun` says that it is being replaced.

    Returns the numbers of looks, of those that found it missing and torn, and an errno or 0.
    """
    looks = missing = torn = 0
    # Not the time of day, which may be set meanwhile.
    end, seen_to_begin = os.times()[4] + _PATIENCE, False
    while not looks or os.times()[4] < end:
        if not seen_to_begin and begun[:] == b'1':
            end, seen_to_begin = os.times()[4] + _DURATION, True
        looks += 1
        try:
            with storage.get_read_stream(None, module_data) as stream:
                found = stream.read()
            size = storage.get_size(None, module_data)
            torn += found not in contents or size not in [len(content) for content in contents]
            missing += not storage.available(None, module_data)
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                return looks, missing, torn, error.errno or errno.EIO
            missing += 1
    return looks, missing, torn, 0


class _Child(object):
    """A child process that calls `work`, a function which returns a tuple of whole numbers."""

    def __init__(self, work):
        self._pid = None
        self._source, target = os.pipe()
        try:
            self._pid = os.fork()
            if self._pid == 0:
                _work_and_exit(work, target)
        except:
            os.close(self._source)
            raise
        finally:
            os.close(target)

    def has_ended(self):
        """Return whether it has, without waiting for that."""
        if self._pid and os.waitpid(self._pid, os.WNOHANG)[0]:
            self._pid = None
        return self._pid is None

    def numbers(self):
        """Return what `work` returned, once it has ended."""
        text = os.read(self._source, 1000)
        if not text:
            raise Fault('the process that reads has died')
        return [int(number) for number in text.split()]

    def end(self):
        """End it, if it still runs, and let go of it."""
        os.close(self._source)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _work_and_exit(work, target):
    """Write what `work` returns; leave nothing of the parent's to be done twice in the child."""
    try:
        os.write(target, b' '.join(str(number).encode('ascii') for number in work()))
    finally:
        os._exit(0)
