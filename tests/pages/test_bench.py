"""The bench: all of it runs, what it says is what it measured, and wrong bytes end it."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from tests.support import PROJECT, environment, place_for_many_files, unittest

try:
    import tabulate
except ImportError:
    tabulate = None

if sys.version_info >= (3, 8) and tabulate:
    from bench import about, content, figures, floor, rounds, rows

START = 'kept\n<!-- %s: rows -->\n'
END = '<!-- end -->\nkept too\n<!-- zfs: rows -->\nother\n<!-- end -->\n'


@unittest.skipIf(sys.version_info < (3, 8), 'the bench needs Python 3.8')
@unittest.skipUnless(tabulate, 'tabulate is not installed')
class BenchTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='mezeo_fsstore-test-', dir=place_for_many_files())
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = os.path.join(self.folder, 'root')
        os.mkdir(self.root)

    def test_each_part_of_a_run_is_in_its_tables_and_in_its_file(self):
        path = os.path.join(self.folder, 'figures.json')
        output = self.bench('--json', path, '--only', 'put-4k', 'copy-256m-durable', 'memory',
                            'scaling', 'growth', 'layouts')
        with open(path) as source:
            found = json.load(source)
        self.assertEqual(['put-4k', 'copy-256m-durable'], [row['name'] for row in found['rows']])
        for row in found['rows']:
            self.assertTrue(row['title'] in output, output)
            for name, values in row['contenders'].items():
                self.assertTrue(values['best'] > 0 and values['best_ratio'] > 0, name)
                self.assertTrue(figures.times(values['best_ratio']) in output)
        for name in ('floor', 'mezeo_fsstore', 'simple'):
            for part in (found['rows'][0], found['memory'], found['scaling'][0],
                         found['growth'][0]):
                self.assertTrue(name in part['contenders'], part)
        self.assertTrue('256 shards' in found['layouts'][0]['contenders'])

    def test_a_page_keeps_all_but_what_was_measured(self):
        page = os.path.join(self.folder, 'page.md')
        start = START % about.filesystem(self.root)
        with open(page, 'w') as target:
            target.write(start + 'old\n' + END)
        self.bench('--page', page, '--only', 'size')
        with open(page) as source:
            text = source.read()
        self.assertTrue(text.startswith(start + '|') and text.endswith('|\n' + END), text)
        self.assertTrue('old' not in text and '| size ' in text, text)

    def test_nothing_stays_behind(self):
        self.bench('--only', 'size')
        self.assertEqual([], os.listdir(self.root))

    def test_a_contender_that_gives_back_other_bytes_ends_it(self):
        class Wrong(floor.Floor):
            def get(self, key):
                return super(Wrong, self).get(key)[:-1] + b'?'
        for kind in (floor.Floor, Wrong):
            row = [row for row in rows.rows(quick=True) if row.name == 'get-4k'][0]
            pool = Pool(kind(self.root))
            if kind is Wrong:
                self.assertRaises(content.WrongBytes, rounds.run, row, pool, 1, random.Random(0))
            else:
                self.assertEqual(1, len(rounds.run(row, pool, 1, random.Random(0))[0]))

    def test_a_ratio_is_that_of_the_best_to_the_best_of_the_floor(self):
        row, floor, ours = rows.rows(quick=True)[0], rounds.Series(), rounds.Series()
        floor.wall, floor.cpu = [2.0, 4.0, 9.0], [1.0]
        ours.wall, ours.cpu = [9.0, 3.0, 6.0], [5.0]
        found = figures.of_row(row, {'floor': floor, 'mezeo_fsstore': ours}, {})['contenders']
        self.assertEqual((1.5, 1.5, 5.0), tuple(
            found['mezeo_fsstore'][name] for name in ('best_ratio', 'median_ratio', 'cpu_ratio')))

    def bench(self, *arguments):
        """Return what a quick run in the empty root prints."""
        process = subprocess.Popen(
            [sys.executable, '-m', 'bench', '--quick', '--seed', '1', '--folder', self.root]
            + list(arguments), cwd=PROJECT, env=environment(), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        output = process.communicate()[0].decode('utf-8')
        self.assertEqual(0, process.returncode, output)
        return output


class Pool(object):
    """A pool of one contender, as `rounds.run` asks for it."""

    def __init__(self, contender):
        self._contender = contender

    def choose(self, names, methods):
        return {'floor': self._contender}, {}
