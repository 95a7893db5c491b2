"""Runs one row: all contenders in turn, in another random order each round."""

import ctypes
import gc
import os
import time


class Series:
    """The seconds per operation of one contender, wall clock and CPU, a number for each round."""

    def __init__(self):
        self.wall = []
        self.cpu = []


def run(row, pool, rounds, random):
    """Return the name -> Series of the row's contenders, and the name -> reason of those left out.

    They come from `pool`, a registry.Pool.
    """
    contenders, left_out = pool.choose(row.names, row.methods)
    results = {name: Series() for name in contenders}
    for contender in contenders.values():
        row.ready(contender)
    if contenders:  # or the kernel would write it while we measure
        settle(next(iter(contenders.values())).root)
    for number in range(rounds + 1):
        order = list(contenders)
        random.shuffle(order)
        for name in order:
            wall, cpu = _batch(row, contenders[name])
            if number:  # the first only warms up
                results[name].wall.append(wall / row.count)
                results[name].cpu.append(cpu / row.count)
    for contender in contenders.values():
        row.done(contender)
    return results, left_out


def _batch(row, contender):
    prepared = row.before(contender)
    if row.durable:
        settle(contender.root)
    gc.collect()
    gc.disable()
    try:
        # Of all threads: some peers work in their own.
        cpu, wall = time.process_time(), time.perf_counter()
        results = row.run(contender, prepared)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    finally:
        gc.enable()
    row.after(contender, results)
    return wall, cpu


def settle(folder):
    """Write what others have left in memory, or the first to sync would pay for it."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        ctypes.CDLL(None).syncfs(fd)
    finally:
        os.close(fd)
