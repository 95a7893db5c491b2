"""A progress meter on standard error."""

from __future__ import division

import os
import stat
import sys
import time

from mezeo_fsstore.admin.formats import counted, in_units

# Seconds before the meter is first shown, as quick work needs none; and between two updates, as
# the terminal must not slow down the work.
_PATIENCE, _PAUSE = 0.5, 0.2

# The meters that are shown on the terminal now.
_on_the_line = []


def meter(noun, total=None, beside=None):
    """Return a progress meter for a `with`: its `update(number)` adds to a count of `noun`.

    On a terminal it shows the progress after half a second, by tqdm if that is installed, else in
    plain words. It shows the time left if `total`, the count at the end, is given. It is silent if
    standard error is no terminal, or a dumb one. `beside` is the stream to which the work prints,
    if any: unless that is a regular file or /dev/null, the meter is silent too.
    """
    if not _is_terminal(sys.stderr) or os.environ.get('TERM', 'dumb') in ('', 'dumb'):
        return _Silent()
    if beside is not None and not _ends_in_a_file(beside):
        return _Silent()
    return _Meter(noun, total)


def make_way():
    """Clear the line of the meter that is shown, if any. Its next update shows it again."""
    for there in _on_the_line:
        there.make_way()


def _is_terminal(stream):
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # the stream is None or closed
        return False


def _ends_in_a_file(stream):
    """Return whether `stream` writes to a regular file or /dev/null. A pipe may lead anywhere."""
    try:
        found = os.fstat(stream.fileno())
        return stat.S_ISREG(found.st_mode) or (
            stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev)
    except (AttributeError, ValueError, EnvironmentError):
        return False


class _Silent(object):

    def update(self, number):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class _Meter(object):

    def __init__(self, noun, total):
        self._noun, self._total, self._number = noun, total, 0
        self._started = time.time()
        self._next = self._started + _PATIENCE
        self._display = None

    def update(self, number):
        self._number += number
        now = time.time()
        if now >= self._next:
            self._next = now + _PAUSE
            self._show(now - self._started)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._display:
            _on_the_line.remove(self)
            self._quietly(self._display.close)

    def make_way(self):
        self._quietly(self._display.clear)

    def _show(self, elapsed):
        if self._display is None:
            self._display = _display(self._noun, self._total, elapsed)
            _on_the_line.append(self)
        self._quietly(self._display.show, self._number, elapsed)

    def _quietly(self, call, *arguments):
        try:
            call(*arguments)
        except (ValueError, EnvironmentError):
            # The terminal is gone. The work goes on without the meter.
            self._next = float('inf')


def _display(noun, total, elapsed):
    try:
        from tqdm import tqdm
    except ImportError:
        return _Words(noun, total)
    return _Bar(tqdm, noun, total, elapsed)


class _Bar(object):
    """A bar of `tqdm`, for work that began `elapsed` seconds ago."""

    def __init__(self, tqdm, noun, total, elapsed):
        # Without the thread of tqdm: the bar is drawn here, often enough.
        tqdm.monitor_interval = 0
        self._bar = tqdm(total=total, unit=' %ss' % noun, unit_scale=True, leave=False)
        self._bar.start_t -= elapsed
        self.clear, self.close = self._bar.clear, self._bar.close

    def show(self, number, elapsed):
        self._bar.n = number
        self._bar.refresh()


class _Words(object):

    def __init__(self, noun, total):
        self._noun, self._total = noun, total

    def show(self, number, elapsed):
        self._write(self._text(number, elapsed))

    def clear(self):
        self._write('')

    close = clear

    def _text(self, number, elapsed):
        if not self._total:
            return self._count(number)
        share = min(number / self._total, 1)
        text = '%s of %s, %d%%' % (
            self._count(number), self._count(self._total), share * 100)
        if not number:
            return text
        left = int(max(elapsed, 0) * (1 / share - 1))
        return '%s, %d:%02d:%02d left' % (text, left // 3600, left // 60 % 60, left % 60)

    def _count(self, number):
        return in_units(number) if self._noun == 'byte' else counted(number, self._noun)

    def _write(self, text):
        # To the start of the line, and clear the rest of it.
        sys.stderr.write('\r%s\033[K' % text)
        sys.stderr.flush()
