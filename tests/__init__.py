"""The suite of this project, and the conformance kit for any storage module's suite.

    class NewStorageTest(StorageModuleTestBase, unittest.TestCase):

        def makeConnector(self):
            return NewStorage(arg1='...')

`docs/modules.md` is a walk through it.
"""

from tests.kit import StorageModuleTestBase, Stream, StreamError, content

__all__ = ['StorageModuleTestBase', 'Stream', 'StreamError', 'content']
