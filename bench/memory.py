"""Peak memory while an object of a gigabyte is put and read, each contender in its own process."""

import json
import os
import shutil
import subprocess
import sys

from bench import content, registry

SIZE = 1024 * 1024 * 1024


def run(names, folder, size):
    """Return name -> {'put': bytes, 'get': bytes}, above the memory that a small object took.

    Also name -> reason of those left out. Once each: memory is no matter of luck.
    """
    results, left_out = {}, {}
    for name in names:
        root = os.path.join(folder, 'memory')
        child = subprocess.run([sys.executable, '-m', 'bench.memory', name, root, str(size)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        shutil.rmtree(root, ignore_errors=True)
        if child.returncode:
            left_out[name] = child.stderr.strip().splitlines()[-1]
        else:
            results[name] = json.loads(child.stdout)
    return results, left_out


def measure(name, root, size):
    """Return {'put': bytes, 'get': bytes} of one contender, to be called in a fresh process."""
    contender = registry.make(name, root)
    contender.prepare(2)
    # What is imported and allocated at the first use is no cost of the large object.
    content.verify(contender.chunks(contender.put(content.stream(4096))), 4096)
    stream = content.Endless(size)
    used, key = _peak(lambda: contender.put(stream))
    read, _ = _peak(lambda: _read(contender.chunks(key), size))
    return {'put': used, 'get': read}


def _read(chunks, size):
    for chunk in chunks:
        size -= len(chunk)
    content.require(size, 0)


def _peak(work):
    # Resets the peak to what is resident now; getrusage would inherit that of the parent.
    with open('/proc/self/clear_refs', 'w') as target:
        target.write('5')
    before = status('VmRSS')
    result = work()
    return status('VmHWM') - before, result


def status(field):
    """Return a size in bytes of those that the kernel keeps of this process, such as 'VmHWM'."""
    with open('/proc/self/status') as lines:
        for line in lines:
            if line.startswith(field + ':'):
                return int(line.split()[1]) * 1024
    raise LookupError(field)


if __name__ == '__main__':
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
