"""Throughput of two processes, and of eight threads in one, beside that of a single thread."""

import multiprocessing
import os
import shutil
import threading
import time

from bench import content, registry

_SIZE = 4096
THREADS = 8

#: What is compared: label -> number of processes, threads in each.
SETTINGS = {'1': (1, 1), '2 processes': (2, 1), '%d threads' % THREADS: (1, THREADS)}


def run(names, method, folder, rounds, count, random):
    """Return name -> setting -> operations per second, one for each round; and those left out.

    `method` is 'put' or 'get', of 4 KiB. Each thread does `count` operations.
    """
    folder = os.path.join(folder, 'scaling')
    pairs, left_out = _start(names, method, folder)
    results = {name: {setting: [] for setting in SETTINGS} for name in pairs}
    try:
        for _ in range(rounds):
            turns = [(name, setting) for name in pairs for setting in SETTINGS]
            random.shuffle(turns)
            for name, setting in turns:
                processes, threads = SETTINGS[setting]
                results[name][setting].append(
                    _throughput(pairs[name][:processes], threads, count))
    finally:
        for pair in pairs.values():
            for worker in pair:
                worker.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return results, left_out


def _start(names, method, folder):
    pairs, left_out = {}, {}
    for name in names:
        root = os.path.join(folder, name.replace(', ', '-'))
        pair = [Worker(name, root, method) for _ in range(2)]
        # One after the other: both may want to make the same folders.
        reasons = [worker.begin() for worker in pair]
        if any(reasons):
            left_out[name] = reasons[0] or reasons[1]
            for worker in pair:
                worker.stop()
        else:
            pairs[name] = pair
    return pairs, left_out


def _throughput(workers, threads, count):
    start = time.perf_counter() + 0.02
    for worker in workers:
        worker.send(threads, count, start)
    end = max(worker.receive() for worker in workers)
    return len(workers) * threads * count / (end - start)


class Worker:
    """A process with one contender, which waits for its orders."""

    def __init__(self, *arguments):
        # Not a fork: the threads of a peer, or a lock held by one, would not survive it.
        context = multiprocessing.get_context('spawn')
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,) + arguments, daemon=True)

    def begin(self):
        """Start it and return None, or the reason why it can't work."""
        self._process.start()
        return self._pipe.recv()

    def send(self, threads, count, start):
        """Let it work from the moment `start` on, of the clock that all processes share."""
        self._pipe.send((threads, count, start))

    def receive(self):
        """Return the moment at which it was done. Raises what the work raised."""
        end = self._pipe.recv()
        if isinstance(end, Exception):
            raise end
        return end

    def stop(self):
        """End it."""
        if self._process.pid:
            self._process.terminate()
            self._process.join()


def _serve(pipe, name, root, method):
    try:
        contender = registry.make(name, root)
        contender.prepare(1)
        key = contender.put(content.stream(_SIZE))
    except registry.LeftOut as error:
        pipe.send(str(error))
        return
    pipe.send(None)
    while True:
        try:
            pipe.send(_work(contender, method, key, *pipe.recv()))
        except EOFError:
            return
        except Exception as error:
            pipe.send(RuntimeError('%s: %r' % (name, error)))


def _work(contender, method, key, threads, count, start):
    arguments = [[key] * count for _ in range(threads)]
    if method == 'put':
        contender.prepare(threads * count)
        arguments = [[content.stream(_SIZE) for _ in range(count)] for _ in range(threads)]
    results = [[] for _ in range(threads)]
    call = getattr(contender, method)
    ends = _in_threads(call, arguments, results, start)
    for result in (result for part in results for result in part):
        content.verify(contender.chunks(result) if method == 'put' else [bytes(result)], _SIZE)
        if method == 'put':
            contender.delete(result)
    return max(ends)


def _in_threads(call, arguments, results, start):
    ends = []

    def work(part, target):
        time.sleep(max(0, start - time.perf_counter()))
        target.extend(call(argument) for argument in part)
        ends.append(time.perf_counter())

    if len(arguments) == 1:
        work(arguments[0], results[0])
        return ends
    threads = [threading.Thread(target=work, args=pair) for pair in zip(arguments, results)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(ends) < len(threads):
        raise RuntimeError('a thread failed')
    return ends
