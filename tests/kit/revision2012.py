"""put and capabilities of the 2012 revision, for modules that offer them."""

import json

from tests.kit.contract import BREAKS, CAPABILITIES, PUT, proves
from tests.kit.streams import DribblingStream, Stream, StreamError, StreamTimeout, content

SEED = 20120601


class Revision2012Checks(object):

    @proves(PUT)
    def testPut(self):
        if not self._has('put'):
            return
        for size in (0, 1, 65536, 300001):
            data = content(size)
            made = [self.connector.put(self.context, DribblingStream(data, SEED)),
                    self.connector.put(context=self.context, stream=Stream(data))]
            for module_data in made:
                self._require(isinstance(module_data, str),
                              'put returned %r, not a str' % (module_data,))
                self._expectObject(module_data, data, 'an object of put')
                self.compareWrittenData(module_data, data)
            self.connector.delete(self.context, made[0])
            self._expectMissing(made[0], 'after delete')
            self._expectContent(made[1], data, 'an object of put beside a deleted one')

    @proves(BREAKS)
    def testPutFromBrokenStream(self):
        if not self._has('put'):
            return
        before = self.listStorage()
        for error in (StreamError, StreamTimeout):
            for size in (0, 100000):
                try:
                    self.connector.put(self.context, Stream(content(size), None, error))
                except error:
                    continue
                self.fail('put returned, though its stream broke')
        if before is not None:
            self._expectList(before, 'after a put whose stream broke')

    @proves(CAPABILITIES)
    def testCapabilities(self):
        if not self._has('capabilities'):
            return
        capabilities = self.connector.capabilities(context=self.context)
        self._require(isinstance(capabilities, dict),
                      'capabilities returned a %s' % type(capabilities).__name__)
        json.dumps(capabilities, allow_nan=False)

    def _has(self, name):
        return callable(getattr(self.connector, name, None))
