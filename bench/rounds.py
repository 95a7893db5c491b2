"""Runs one row: all contenders in turn, in another random order each round."""

import ctypes
import gc
import os
import shutil
import time

from bench import registry


class Series:
    """The seconds per operation of one contender, wall clock and CPU, a number for each round."""

    def __init__(self):
        self.wall = []
        self.cpu = []


def run(row, folder, rounds, random):
    """Return the name -> Series of the row's contenders, and the name -> reason of those left out.

    Each works in a folder of its own in `folder`, removed at the end.
    """
    contenders, left_out = _make(row, folder)
    results = {name: Series() for name in contenders}
    try:
        for contender in contenders.values():
            row.ready(contender)
        for number in range(rounds + 1):
            order = list(contenders)
            random.shuffle(order)
            for name in order:
                wall, cpu = _batch(row, contenders[name])
                if number:  # the first only warms up
                    results[name].wall.append(wall / row.count)
                    results[name].cpu.append(cpu / row.count)
    finally:
        shutil.rmtree(os.path.join(folder, row.name), ignore_errors=True)
    return results, left_out


def _make(row, folder):
    contenders, left_out = {}, {}
    for name in row.names:
        try:
            contenders[name] = registry.make(
                name, os.path.join(folder, row.name, name.replace(', ', '-')), row.methods)
        except registry.LeftOut as error:
            left_out[name] = str(error)
    return contenders, left_out


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
