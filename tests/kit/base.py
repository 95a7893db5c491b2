"""All checks of the kit in one class."""

from tests.kit.assigning import AssignChecks
from tests.kit.availability import AvailableChecks
from tests.kit.breaking import BrokenStreamChecks
from tests.kit.copying import CopyChecks
from tests.kit.deleting import DeleteChecks
from tests.kit.foreign import ForeignDataChecks
from tests.kit.general import GeneralChecks
from tests.kit.naming import NewDataChecks
from tests.kit.reading import ReadChecks
from tests.kit.resources import ResourceChecks
from tests.kit.revision2012 import Revision2012Checks
from tests.kit.sharing import SharingChecks
from tests.kit.suite import Suite


class StorageModuleTestBase(NewDataChecks, AssignChecks, BrokenStreamChecks, AvailableChecks,
                            ReadChecks, CopyChecks, DeleteChecks, ForeignDataChecks, SharingChecks,
                            GeneralChecks, ResourceChecks, Revision2012Checks, Suite):
    """The tests of a storage module, to be mixed into a `unittest.TestCase`.

        class NewStorageTest(StorageModuleTestBase, unittest.TestCase):

            def makeConnector(self):
                return NewStorage(arg1='...')

    That is enough. `Suite` says what else a suite may supply and declare.
    """
