"""What lies in a root is told by its name: one sign more, less or other, and it is not ours."""

from mezeo_fsstore import names
from tests.support import unittest

NAME = '0123456789abcdef' * 2
OBJECT = '012/' + NAME
TEMPORARY = '012/.%s.%s' % (NAME, NAME[:16])
MARKER_TEMPORARY = '..mezeo_fsstore.' + NAME[:16]
QUARANTINE = '.mezeo_fsstore.quarantine'
CHECK_ROOT = '.mezeo_fsstore.check.' + NAME[:16]

# One of each kind, and some that are of none.
OTHERS = set(['012', OBJECT, TEMPORARY, MARKER_TEMPORARY, QUARANTINE, QUARANTINE + '/012',
              QUARANTINE + '/' + OBJECT, CHECK_ROOT, '.mezeo_fsstore', '', '/', 'lost+found',
              QUARANTINE + '/', CHECK_ROOT + '/', QUARANTINE + '/' + TEMPORARY])


def nearly(name):
    """Return names that differ from `name` in one sign, and are of no kind."""
    found = [name + more for more in ('\n', '0', 'x', '.', '/')]
    for place in range(len(name)):
        before, sign, after = name[:place], name[place], name[place + 1:]
        found += [before + other + after for other in ('', 2 * sign, '-', '\n', 'g', 'z', 'F')]
    return [one for one in found if one != name]


class NamesTest(unittest.TestCase):

    def assert_only(self, kind, good):
        for name in good:
            self.assertEqual(True, kind(name), name)
            for other in nearly(name):
                self.assertEqual(False, kind(other), other)
        for other in OTHERS - set(good):
            self.assertEqual(False, kind(other), other)

    def test_a_shard_is_three_hexadecimal_digits(self):
        self.assert_only(names.is_shard, ['012', 'def'])

    def test_an_object_is_a_shard_and_thirty_two_digits(self):
        self.assert_only(names.is_object, [OBJECT, 'def/' + NAME, names.new_object()])

    def test_a_temporary_is_that_of_an_object_or_of_the_marker(self):
        self.assert_only(names.is_temporary, [
            TEMPORARY, MARKER_TEMPORARY, names.temporary_of('012/' + NAME)])

    def test_the_names_of_check_and_of_quarantine(self):
        self.assert_only(names.is_check_root, [CHECK_ROOT, names.new_check_root()])
        self.assert_only(names.is_quarantined, [QUARANTINE + '/' + OBJECT,
                                                names.quarantined('def/' + NAME)])

    def test_objects_lie_in_shards_in_quarantine_and_in_its_shards(self):
        self.assert_only(names.is_place, ['012', 'def', QUARANTINE, QUARANTINE + '/012'])

    def test_an_object_has_the_same_path_in_quarantine(self):
        self.assertEqual(QUARANTINE + '/' + OBJECT, names.quarantined(OBJECT))
        self.assertEqual(OBJECT, names.of_quarantined(QUARANTINE + '/' + OBJECT))

    def test_the_temporaries_of_one_object_have_each_another_name(self):
        made = set(names.temporary_of('/root/' + OBJECT) for _ in range(100))
        self.assertEqual(100, len(made))
        for path in made:
            self.assertEqual('/root/012/.%s.' % NAME, path[:-16])
