"""`modules`: the base class says what is missing."""

from modules import StorageModule
from tests.support import unittest


class Half(StorageModule):
    """A module that somebody has not finished."""


class StorageModuleTest(unittest.TestCase):

    def test_a_method_that_is_missing_is_named_with_its_class(self):
        module = Half(anything='is accepted')
        calls = {
            'new_data': [], 'assign': ['data', 'stream'], 'available': ['data'],
            'get_read_stream': ['data'], 'delete': ['data'], 'get_size': ['data'], 'statistics': []}
        for name in calls:
            try:
                getattr(module, name)({}, *calls[name])
            except NotImplementedError as error:
                self.assertEqual('Half does not implement %s' % name, str(error))
            else:
                self.fail('%s did not raise' % name)

    def test_the_parameters_have_the_names_of_the_guide(self):
        module = Half()
        for call in (lambda: module.new_data(context={}),
                     lambda: module.assign(context={}, module_data='', stream=None),
                     lambda: module.available(context={}, module_data=''),
                     lambda: module.get_read_stream(context={}, module_data=''),
                     lambda: module.delete(context={}, module_data=''),
                     lambda: module.get_size(context={}, module_data=''),
                     lambda: module.statistics(context={})):
            self.assertRaises(NotImplementedError, call)
