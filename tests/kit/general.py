"""The class, the parameters, the context, statistics."""

import json

from tests.kit.contract import (
    CAPACITY, CONTEXT, EXTENDS, SEVEN, STATISTICS, proves)
from tests.kit.streams import Stream


class GeneralChecks(object):

    @proves(EXTENDS)
    def testExtendsStorageModule(self):
        from modules import StorageModule
        self._require(isinstance(self.connector, StorageModule),
                      '%s does not extend StorageModule' % type(self.connector).__name__)

    @proves(SEVEN)
    def testParametersHaveTheNamesOfTheContract(self):
        module_data = self.connector.new_data(context=self.context)
        named = {'context': self.context, 'module_data': module_data}
        self.connector.assign(stream=Stream(b'x'), **named)
        self.connector.available(**named)
        self.connector.get_size(**named)
        self.connector.get_read_stream(**named).close()
        self.connector.delete(**named)
        self.connector.statistics(context=self.context)

    @proves(CONTEXT)
    def testContextMayBeEmpty(self):
        if self._extends_another:
            return
        for self.context in ({}, None):
            module_data = self._store(b'content')
            self._expectObject(module_data, b'content', 'an object stored without a context')
            self.connector.statistics(self.context)
            self.connector.delete(self.context, module_data)

    @proves(STATISTICS)
    def testStatistics(self):
        statistics = self.connector.statistics(self.context)
        self._require(isinstance(statistics, dict),
                      'statistics returned a %s' % type(statistics).__name__)
        json.dumps(statistics, allow_nan=False)

    @proves(CAPACITY)
    def testStatisticsHaveACapacity(self):
        capacity = self.connector.statistics(self.context)['capacity']
        for name in ('total', 'free', 'used'):
            number = capacity[name]
            self._require(self._is_number(number) and number >= -1 and number == int(number),
                          'capacity %s is %r' % (name, number))
        total, free, used = capacity['total'], capacity['free'], capacity['used']
        if -1 not in (total, free, used):
            self._require(free <= total and used <= total,
                          'more than there is: %r' % (capacity,))

    def _is_number(self, value):
        # A bool is an int in Python, but no number here. On Python 2, 2 ** 64 is a `long`.
        return isinstance(value, (int, float, type(2 ** 64))) and not isinstance(value, bool)
