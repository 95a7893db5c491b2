"""Runs a program for as long as the one who started this lives: nothing of it is left behind.

    python child_guard.py FOLDER PROGRAM ARGUMENTS...

It prints the program's process id. Once its standard input ends, which the kernel sees to however
the other end dies, it ends the program by that id, waits for it, and removes the folder.
"""

import shutil
import subprocess
import sys


def keep(folder, command):
    program = subprocess.Popen(command)
    try:
        sys.stdout.write('%d\n' % program.pid)
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        if program.poll() is None:
            program.terminate()
        program.wait()
        shutil.rmtree(folder)


if __name__ == '__main__':
    keep(sys.argv[1], sys.argv[2:])
