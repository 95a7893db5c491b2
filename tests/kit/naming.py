"""new_data: the names of objects."""

from tests.kit.contract import DATABASE, STRING, UNIQUE, WHOLE, proves


class NewDataChecks(object):

    @proves(STRING)
    def testNewDataIsText(self):
        module_data = self.connector.new_data(self.context)
        self._require(isinstance(module_data, str),
                      'new_data returned a %s, not a str' % type(module_data).__name__)
        self._require(module_data, 'new_data returned an empty string')

    @proves(DATABASE)
    def testNewDataSurvivesADatabase(self):
        module_data = self.connector.new_data(self.context)
        self._require('\0' not in module_data, 'no database keeps a NUL: %r' % module_data)
        # This raises for half a surrogate pair, and on Python 2 for all but ASCII.
        module_data.encode('utf-8')

    @proves(UNIQUE)
    def testNewDataIsNeverRepeated(self):
        made = [self.connector.new_data(self.context) for _ in range(1000)]
        self.assertEqual(1000, len(set(made)), 'new_data returned a value again')

    @proves(UNIQUE)
    def testNewDataOfAnotherInstanceIsOther(self):
        other = self.makeConnector()
        if other is None:
            return
        # By turns: two instances must not share a clock or start the same counter.
        made = [connector.new_data(self.context) for connector in (self.connector, other) * 500]
        self.assertEqual(1000, len(set(made)), 'two instances returned the same new_data')

    @proves(WHOLE)
    def testNotAvailable(self):
        self._expectAvailable(False, self.connector.new_data(self.context), 'before assign')
