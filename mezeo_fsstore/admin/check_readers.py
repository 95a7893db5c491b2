"""A step that replaces an object while another process reads it."""

import errno
import io
import mmap
import os
import signal

from mezeo_fsstore.admin.check_report import Fault, Warn

# Seconds for which one process replaces and the other reads; and seconds for which the reader waits
# for the first replacement.
_DURATION = 0.5
_PATIENCE = 10


def replace_under_reader(storage, on_nfs):
    """Replace an object again and again while another process reads it; return a line of result.

    Raises Fault if the reader found the object missing, or neither the old nor the new content, or
    failed. Raises Warn if the object was never replaced meanwhile, and with `on_nfs` if it was
    missing: an NFS client first renames the old file, while it is open, to another name.
    """
    # Two sizes, to see a fault that gives the old size with the new bytes.
    contents = [os.urandom(4096), os.urandom(10001)]
    module_data = storage.new_data(None)
    storage.assign(None, module_data, io.BytesIO(contents[0]))
    replaced = 0
    # Memory that both processes share. On a busy machine the first replacement may come late.
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
    """Read the object for _DURATION, counted from when `begun` says that it is being replaced.

    Returns how often it was read, found missing, and found torn, and an errno or 0.
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
        """Return whether the process has ended. Does not wait."""
        if self._pid and os.waitpid(self._pid, os.WNOHANG)[0]:
            self._pid = None
        return self._pid is None

    def numbers(self):
        """Return what `work` returned. Call it after the end. Raises Fault if there is nothing."""
        text = os.read(self._source, 1000)
        if not text:
            raise Fault('the process that reads has died')
        return [int(number) for number in text.split()]

    def end(self):
        """Kill the process if it still runs, and close the pipe."""
        os.close(self._source)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _work_and_exit(work, target):
    """Write what `work` returns, and exit without the exit handlers of the parent."""
    try:
        os.write(target, b' '.join(str(number).encode('ascii') for number in work()))
    finally:
        os._exit(0)
