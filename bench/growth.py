"""What put, get and exists (hit and miss) cost as the number of objects grows.

One contender after the other, or the inodes of all would leave no memory for each other: what is
compared is one number of objects with another. For that a folder for each number, all made
beforehand and measured in turn, so that what else the machine does meets all alike. The objects
that only have to be there are empty files, in the places where the contender would put them; those
that are read are real ones among them.
"""

import os
import shutil
import time

from bench import content, registry
from bench.rounds import settle

_SIZE = 4096
_SAMPLE = 100
NAMES = ('floor', 'mezeo_fsstore', 'simple')
#: Other layouts than the floor's, of which one is the module's.
LAYOUTS = ('floor', 'one folder', '256 shards', '256 x 256 shards')
OPERATIONS = ('put', 'get', 'exists', 'miss')
DROP_CACHES = '/proc/sys/vm/drop_caches'


def run(names, folder, largest, rounds, random, colds=(False,)):
    """Return, for each of `colds`, name -> operation -> number of objects -> seconds per operation.

    One for each round. From 1,000 objects to `largest`, each ten times the last. Where `colds` has
    a true value, the kernel forgets all that it knows of files before each measurement: it must be
    asked to, by the superuser.
    """
    numbers = [10 ** power for power in range(3, 10) if 10 ** power <= largest]
    found = {name: _of_one(name, os.path.join(folder, 'growth'), numbers, rounds, random, colds)
             for name in names}
    return [{name: found[name][cold] for name in names} for cold in colds]


def _of_one(name, folder, numbers, rounds, random, colds):
    try:
        stores = {number: _filled(folder, name, number) for number in numbers}
        return {cold: _in_turns(stores, rounds, random, cold) for cold in colds}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_turns(stores, rounds, random, cold):
    results = {operation: {number: [] for number in stores} for operation in OPERATIONS}
    if not cold:
        for contender, _ in stores.values():
            _remember(contender)
    for turn in range(rounds + 1):
        for number in random.sample(list(stores), len(stores)):
            for operation, seconds in _measure(*stores[number], random, cold):
                if turn:  # the first only warms up
                    results[operation][number].append(seconds)
    return results


def _filled(folder, name, number):
    contender = registry.make(name, os.path.join(folder, str(number)))
    for path in contender.paths(number - _SAMPLE):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    contender.prepare(_SAMPLE)
    keys = [contender.put(content.stream(_SIZE)) for _ in range(_SAMPLE)]
    settle(contender.root)
    return contender, keys


def _measure(contender, keys, random, cold):
    keys = random.sample(keys, len(keys))
    contender.prepare(len(keys))
    arguments = {'get': keys, 'exists': keys, 'miss': [contender.missing() for _ in keys],
                 'put': [content.stream(_SIZE) for _ in keys]}
    for operation in OPERATIONS:
        if cold:
            _forget(contender)
        seconds, results = _time(contender, operation, arguments[operation])
        _verify(contender, operation, results)
        yield operation, seconds


def _time(contender, operation, arguments):
    call = getattr(contender, 'exists' if operation == 'miss' else operation)
    start = time.perf_counter()
    results = [call(argument) for argument in arguments]
    return (time.perf_counter() - start) / len(arguments), results


def _verify(contender, operation, results):
    for result in results:
        if operation == 'get':
            content.verify([result], _SIZE)
        elif operation in ('exists', 'miss'):
            content.require(result, operation == 'exists')
        elif operation == 'put':
            content.verify(contender.chunks(result), _SIZE)
            contender.delete(result)


def _remember(contender):
    # What lies in a tree that was made long ago the kernel may have had to forget since.
    for _ in os.walk(contender.root):
        pass


def _forget(contender):
    settle(contender.root)
    with open(DROP_CACHES, 'w') as target:
        target.write('3')
