"""docs/guarantees.md: each cell of the table names a test that exists."""

import os
import re

from tests.support import PROJECT, unittest


def rows():
    """Return the rows of the table, as lists of cells, without the two of its head."""
    with open(os.path.join(PROJECT, 'docs', 'guarantees.md'), 'rb') as page:
        lines = page.read().decode('utf-8').splitlines()
    return [line.strip('| ').split(' | ') for line in lines if line.startswith('| `')]


def sources():
    """Return the text of each file of the suite and of the kit."""
    found = []
    for folder, _, names in os.walk(os.path.join(PROJECT, 'tests')):
        for name in names:
            if name.endswith('.py'):
                with open(os.path.join(folder, name), 'rb') as source:
                    found.append(source.read().decode('utf-8'))
    return found


def names_of_tests():
    """Return the names of all tests of the suite and of the kit."""
    tests = set()
    for text in sources():
        tests.update(re.findall(r'^    def (test\w+)\(', text, re.M))
    assert len(tests) > 200
    return tests


class GuaranteesTest(unittest.TestCase):

    def test_each_cell_names_a_test_that_exists(self):
        tests = names_of_tests()
        for row in rows():
            for cell in row[1:]:
                named = re.findall(r'`(test\w+)`', cell)
                self.assertEqual(1, len(named), cell)
                self.assertTrue(named[0] in tests, named[0])

    def test_each_operation_has_a_row_and_each_column_a_cell(self):
        operations = re.findall(r'`(\w+)`', ' '.join(row[0] for row in rows()))
        self.assertEqual(['new_data', 'assign', 'put', 'available', 'get_read_stream', 'get_size',
                          'delete', 'statistics'], operations)
        self.assertEqual([9] * 7, [len(row) for row in rows()])

    def test_the_classes_and_files_that_it_names_exist(self):
        with open(os.path.join(PROJECT, 'docs', 'guarantees.md'), 'rb') as page:
            text = page.read().decode('utf-8')
        for name in re.findall(r'`([a-z_]+/\w+[.]py)`', text):
            self.assertTrue(os.path.exists(os.path.join(PROJECT, name)), name)
        code = ''.join(sources())
        for name in re.findall(r'`([A-Z]\w+Test)`', text):
            self.assertTrue('class %s(' % name in code, name)
