"""Threads and processes, for checks of what happens at the same time."""

import json
import os
import threading
import traceback

# Seconds for which a check waits for the answer of another call before it goes on. Only a module
# with a lock makes it wait that long.
PATIENCE = 2.0

# Seconds after which a thread is taken for stuck.
DEADLOCK = 60.0


class Question(object):
    """A call in its own thread, as by another client of the same server.

    `answered` tells whether the call has ended. Then `answer` is its result, or `error` is set.
    """

    def __init__(self, call):
        self.answered, self.answer, self.error = False, None, None
        self._call = call
        self._thread = start(self._run)

    def wait(self, seconds):
        """Wait up to `seconds` for the answer; return whether it has come."""
        self._thread.join(seconds)
        return self.answered

    def result(self):
        """Return the answer, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.answer

    def _run(self):
        try:
            self.answer = self._call()
        except Exception as error:
            self.error = error
        self.answered = True


def start(call):
    """Start and return a daemon thread that runs `call`: the process can end without it."""
    thread = threading.Thread(target=call)
    thread.daemon = True
    thread.start()
    return thread


def in_threads(calls):
    """Run all `calls` at once; return a list of problems, most of them tracebacks, as texts."""
    problems, threads = [], []

    def run(call):
        try:
            call()
        except Exception:
            problems.append(traceback.format_exc())

    for call in calls:
        threads.append(start(lambda call=call: run(call)))
    for thread in threads:
        thread.join(DEADLOCK)
        if thread.is_alive():
            problems.append('a thread still runs after %d seconds' % DEADLOCK)
    return problems


def in_process(call):
    """Run `call` in its own process; return a pair: its answer, and the problem.

    JSON must be able to express the answer. The problem is a text, '' for none.
    """
    source, target = os.pipe()
    process = os.fork()
    if not process:
        _answer(call, source, target)
    os.close(target)
    answers = os.fdopen(source, 'rb')
    try:
        text = answers.read()
    finally:
        answers.close()
        os.waitpid(process, 0)
    if not text:
        return None, 'the process died'
    return json.loads(text.decode('ascii'))


def _answer(call, source, target):
    # The child must not run exit handlers or tests of the parent, or flush its output.
    try:
        os.close(source)
        try:
            result = [call(), '']
        except BaseException:
            result = [None, traceback.format_exc()]
        with os.fdopen(target, 'wb') as answers:
            answers.write(json.dumps(result).encode('ascii'))
    finally:
        os._exit(0)
