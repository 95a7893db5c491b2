"""`mezeo_fsstore` passes the kit in each of its settings, on both revisions of the interface."""

import tempfile

from mezeo_fsstore import FilesystemStorage
from tests import StorageModuleTestBase, Stream, content
from tests.support import RootTestCase, mark


class DurableTest(StorageModuleTestBase, RootTestCase):

    deleteOfMissingRaises = False
    readersOutliveDelete = readersOutliveAssign = True

    def setUp(self):
        RootTestCase.setUp(self)
        StorageModuleTestBase.setUp(self, self.storage)

    def makeConnector(self):
        return self.make()

    def makeConnectorElsewhere(self):
        return FilesystemStorage(**dict(self.settings, root=self.another_root()))

    def another_root(self):
        return tempfile.mkdtemp(dir=self.folder)

    def listStorage(self):
        return self.files()

    def compareWrittenData(self, module_data, data):
        with open(self.path(module_data), 'rb') as written:
            self.assertTrue(data == written.read(), 'other bytes lie on the disk')

    def test_put_of_the_2012_revision_is_new_data_and_assign(self):
        module_data = self.connector.put(self.context, Stream(content(5000), most=700))
        self.compareWrittenData(module_data, content(5000))
        self.assertEqual(5000, self.connector.get_size(self.context, module_data))

    def test_capabilities_of_the_2012_revision_are_none(self):
        self.assertEqual({}, self.connector.capabilities(self.context))


class NotDurableTest(DurableTest):

    settings = {'durable': False}


class RegisteredTest(DurableTest):
    """All arguments as strings, as from an administrator's JSON, and a marker that is checked."""

    def make(self, **changes):
        self.settings = {'durable': u'true', 'file_mode': u'0640', 'dir_mode': u'2770',
                         'root_id': u'%s' % mark(self.root)}
        return super(RegisteredTest, self).make(**changes)

    def makeConnectorElsewhere(self):
        root = self.another_root()
        return FilesystemStorage(**dict(self.settings, root=root, root_id=mark(root)))
