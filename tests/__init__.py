"""The suite of this project, and the conformance kit for any storage module's suite.

    class NewStorageTest(StorageModuleTestBase, unittest.TestCase):

        def makeConnector(self):
            return NewStorage(arg1='...')

`docs/modules.md` is a walk through it.

The folders, each with its helpers next to its tests:

kit       the conformance kit, a small platform, a module in memory: for any author
examples  two modules on top of modules: one encrypts, one deduplicates
store     what the store promises: methods, arguments, files on disk, system calls
faults    calls that fail, processes that are killed, lost power, hostile input
command   the administrator's command, and the egg
sdk       `modules`, `simple`, the kit itself, the examples, the small platform
pages     README.md and `docs/`, and the bench
hosts     Apache with mod_wsgi, GlusterFS, CephFS

`support.py` is what all share, `test_support.py` tests it, `test_layout.py` tests the folders.
"""

from tests.kit import StorageModuleTestBase, Stream, StreamError, content

__all__ = ['StorageModuleTestBase', 'Stream', 'StreamError', 'content']
