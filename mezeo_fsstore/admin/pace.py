"""How fast `scrub` reads, so that the platform has its share of the disk."""

import os
import time


class Pace(object):
    """Limits the reads to `rate` bytes a second, by sleeping; None is no limit."""

    def __init__(self, rate):
        self._rate, self._spent, self._started = rate, 0, _now()

    def spend(self, number):
        """Count `number` bytes that were read, and sleep if that was too fast."""
        self._spent += number
        if self._rate:
            ahead = self._spent / float(self._rate) - self.elapsed()
            if ahead > 0:
                time.sleep(ahead)

    def elapsed(self):
        """Return the seconds since the start."""
        return _now() - self._started


def _now():
    # Not the time of day, which may be set meanwhile.
    return os.times()[4]
