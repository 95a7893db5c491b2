"""The conformance kit, for authors of storage modules. Import it from `tests`.

`suite.py` is what a module's author sees: what to supply, what may be declared. The checks follow
the methods of the interface, a file for each subject; `contract.py` holds the sentences that they
prove, `streams.py` what they feed a module with, `together.py` threads and processes.

Beside it, and not part of it: `miniature.py`, a platform to try a module on, and `memory.py`, a
module to try things with.

It needs nothing but `unittest`, and speaks Python 2.6, 2.7 and 3.6 to the newest.
"""

from tests.kit.base import StorageModuleTestBase
from tests.kit.streams import Stream, StreamError, content

__all__ = ['StorageModuleTestBase', 'Stream', 'StreamError', 'content']
