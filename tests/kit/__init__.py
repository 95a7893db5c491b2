"""The conformance kit, for authors of storage modules. Import it from `tests`.

`suite.py` is what a module's author sees: what to supply, what may be declared. The checks are in
a file for each subject. `contract.py` has the sentences that they prove, `streams.py` the contents
and streams, `together.py` threads and processes.

Two more files are no part of the kit: `miniature.py`, a small platform to try a module on, and
`memory.py`, a module for tests.

It needs only `unittest`, and runs on Python 2.6, 2.7 and 3.6 to the newest.
"""

from tests.kit.base import StorageModuleTestBase
from tests.kit.streams import Stream, StreamError, content

__all__ = ['StorageModuleTestBase', 'Stream', 'StreamError', 'content']
