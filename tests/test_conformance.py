"""`mezeo_fsstore` passes the kit in each of its settings, on both revisions of the interface."""

from mezeo_fsstore.root import Root
from tests import StorageModuleTestBase, Stream, content
from tests.support import RootTestCase


class DurableTest(StorageModuleTestBase, RootTestCase):

    def setUp(self):
        RootTestCase.setUp(self)
        StorageModuleTestBase.setUp(self, self.storage)

    def compareWrittenData(self, module_data, data):
        with open(self.path(module_data), 'rb') as written:
            self.assertTrue(data == written.read(), 'other bytes lie on the disk')

    def test_put_of_the_2012_revision_is_new_data_and_assign(self):
        module_data = self.connector.put(self.context, Stream(content(5000), most=700))
        self.assertTrue(isinstance(module_data, str))
        self.compareWrittenData(module_data, content(5000))
        self.assertEqual(content(5000), self.get(module_data))

    def test_capabilities_of_the_2012_revision_are_none(self):
        self.assertEqual({}, self.connector.capabilities(self.context))

    def test_the_parameters_have_the_names_of_the_guide(self):
        module_data = self.connector.new_data(context={})
        self.connector.assign(context={}, module_data=module_data, stream=Stream(b'x'))
        self.assertTrue(self.connector.available(context={}, module_data=module_data))
        self.assertEqual(1, self.connector.get_size(context={}, module_data=module_data))
        self.connector.get_read_stream(context={}, module_data=module_data).close()
        self.connector.delete(context={}, module_data=module_data)
        self.connector.statistics(context={})
        self.connector.put(context={}, stream=Stream(b'x'))
        self.connector.capabilities(context={})


class NotDurableTest(DurableTest):

    settings = {'durable': False}


class RegisteredTest(DurableTest):
    """All arguments as strings, as from an administrator's JSON, and a marker that is checked."""

    def make(self, **changes):
        self.settings = {'durable': u'true', 'file_mode': u'0640', 'dir_mode': u'2770',
                         'root_id': u'%s' % Root(self.root).mark()}
        return super(RegisteredTest, self).make(**changes)
