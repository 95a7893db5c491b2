"""The report of `check`: a line for each step, and a last one that sums them up."""

import sys
import time

from mezeo_fsstore.admin.advice import explain, shown
from mezeo_fsstore.admin.formats import counted

OK, WARN, FAIL = 'ok', 'warn', 'FAIL'


class Warn(Exception):
    """Nothing has failed, but an administrator should know this, or something is unknown."""


class Fault(Exception):
    """A failure whose text needs no advice from `explain`."""


class Report(object):
    """Runs steps, prints a line for each, and counts.

    `path` is the root, for the first line. A step is a pair of a name and a function. The function
    returns a text, or None to print the time that it took. It raises Warn for a warning, any other
    exception for a failure.
    """

    def __init__(self, path):
        self._path = path
        _print('root %s' % shown(path))
        self._counts = {OK: 0, WARN: 0, FAIL: 0}

    def title(self, text):
        """Print a line above steps that belong together."""
        _print('')
        _print(text)

    def run(self, steps):
        """Run all the steps; return whether none of them failed."""
        return FAIL not in [self._run(name, step) for name, step in steps]

    def run_until_failure(self, steps):
        """Run the steps until one fails: each needs those before it."""
        for name, step in steps:
            if self._run(name, step) == FAIL:
                break

    def conclude(self):
        """Print the last line; return whether no step failed."""
        warnings = counted(self._counts[WARN], 'warning')
        if self._counts[FAIL]:
            line = 'FAILED: %s, %s: see above' % (counted(self._counts[FAIL], 'failure'), warnings)
        elif self._counts[WARN]:
            line = 'all is well, %s: see above' % warnings
        else:
            line = 'all is well'
        self.title(line)
        return not self._counts[FAIL]

    def _run(self, name, step):
        started = time.time()
        try:
            verdict, text = OK, step()
        except Warn as warning:
            verdict, text = WARN, str(warning)
        except Exception as error:
            verdict, text = FAIL, explain(error, self._path)
        if text is None:
            text = '%10.3f ms' % ((time.time() - started) * 1000)
        self._counts[verdict] += 1
        _print('%-5s %-35s %s' % (verdict, name, text))
        return verdict


def _print(line):
    sys.stdout.write(line + '\n')
    sys.stdout.flush()
