"""Customers of the platform, who do at random what customers do, and remember what they were told.

What the server acknowledges is a promise: `promised` holds the content of each object that must be
there, by its place and path; `gone` what must not be. Where an answer fails to come, neither is
known, and the customer leaves that object alone from then on.
"""

import random
import threading
import time

from tests.faults.test_killed import signed
from tests.hosts.http_client import ENDS, Unanswered, vanish
from tests.support import path_in

# Some of each, and then only as much of the rest as keeps their number.
FEW, MANY = 2, 6

# A server that gives no answer so many times in a row, a moment apart, was not just restarted.
PATIENCE = 2000
PAUSE = 0.01


class Customer(object):
    """Acts as `seed` has it, over one of the `clients` each time."""

    def __init__(self, clients, seed):
        self._clients, self._choose = clients, random.Random(seed)
        self._objects, self.promised, self.gone = [], {}, set()
        self.unanswered = self.acts = self._in_a_row = 0

    def act(self, tolerant):
        """Do one thing; return whether it was answered, which it need not be for a tolerant one.

        Raises AssertionError for anything but what was promised.
        """
        self.acts += 1
        try:
            if len(self._objects) < FEW:
                self._upload()
            else:
                self._choose.choice((
                    self._upload if len(self._objects) < MANY else self._delete, self._delete,
                    self._vanish, self._leave, self._download, self._download, self._look,
                    self._range, self._range, self._replicate, self._copy, self._statistics))()
        except (Unanswered, EnvironmentError):
            self.unanswered += 1
            self._in_a_row += 1
            if not tolerant or self._in_a_row > PATIENCE:
                raise
            time.sleep(PAUSE)
            return False
        self._in_a_row = 0
        return True

    def check(self):
        """Everything that was promised is there, whole."""
        for (place, path), content in self.promised.items():
            assert self._client().available(stored_at(place, path), place), path
            assert self._client().download(stored_at(place, path), place) == content, path

    def leave(self):
        """Delete everything."""
        for place, path in self.promised:
            self._client().delete(stored_at(place, path))

    def _client(self):
        return self._choose.choice(self._clients)

    def _upload(self):
        content = signed(self._choose)
        chunks = content
        if self._choose.random() < 0.3:
            chunks = [content[:1000], content[1000:]] if len(content) > 1000 else [content]
        self._remember(self._client().upload(self._choose.choice('AB'), chunks), content)

    def _vanish(self):
        content = signed(self._choose)
        connection = self._client().begin_upload(
            self._choose.choice('AB'), content, self._choose.randrange(len(content)),
            self._choose.random() < 0.5)
        said = vanish(connection, self._choose.choice(ENDS))
        assert b' 20' not in said[:20], said

    def _leave(self):
        """Go away in the middle of a download."""
        stored, _, place = self._any()
        connection = self._client().begin_download(stored, place)
        connection.recv(1000)
        vanish(connection, self._choose.choice(('close', 'reset')))

    def _download(self):
        stored, content, place = self._any()
        assert self._client().download(stored, place) == content, stored

    def _range(self):
        stored, content, place = self._any()
        start = self._choose.randrange(len(content))
        end = self._choose.randrange(start, len(content)) + 1
        assert self._client().download(stored, place, start, end) == content[start:end], stored

    def _look(self):
        stored, content, place = self._any()
        assert self._client().size(stored, place) == len(content), stored

    def _replicate(self):
        stored, content, place = self._any()
        target = 'B' if place == 'A' else 'A'
        self._objects.remove((stored, content))
        replicated, copied = self._client().replicate(stored, place, target)
        assert copied == (target not in stored['places']), stored
        self._remember(replicated, content)

    def _copy(self):
        stored, content, place = self._any()
        if len(self._objects) < MANY:
            self._remember(self._client().copy(stored, place, self._choose.choice('AB')), content)

    def _delete(self):
        stored, content, _ = self._any()
        self._objects.remove((stored, content))
        for key in keys(stored):
            del self.promised[key]
        self._client().delete(stored)
        self.gone.update(keys(stored))

    def _statistics(self):
        capacity = self._client().statistics(self._choose.choice('AB'))['capacity']
        assert capacity['total'] >= capacity['free'] > 0, capacity

    def _any(self):
        """Return an object, its content, and one of its places."""
        stored, content = self._choose.choice(self._objects)
        return stored, content, self._choose.choice(sorted(stored['places']))

    def _remember(self, stored, content):
        self._objects.append((stored, content))
        for key in keys(stored):
            self.promised[key] = content


class Crowd(object):
    """Customers who act at the same time."""

    def __init__(self, clients, number, seed):
        self.customers = [Customer(clients, '%s %d' % (seed, one)) for one in range(number)]

    def act(self, acts):
        """Have each act so often. Raises what goes wrong."""
        self._start(acts, lambda: True, False)()

    def act_while(self, acts, happening):
        """Have each act so often, call `happening` then, and have them act until it returns.

        They take it that the server does not answer meanwhile.
        """
        under_way, over = threading.Event(), threading.Event()

        def is_over():
            under_way.set()
            return over.is_set()
        join = self._start(acts, is_over, True)
        try:
            under_way.wait()
            happening()
        finally:
            over.set()
            join()

    def _start(self, acts, is_over, tolerant):
        """Return a function that waits for all; each asks `is_over` when it has done its acts."""
        failures = []

        def run(customer):
            try:
                left = acts
                while left > 0 or not is_over():
                    left -= customer.act(tolerant)
            except BaseException as error:
                failures.append(error)
                is_over()
        threads = [threading.Thread(target=run, args=(one,)) for one in self.customers]
        for thread in threads:
            thread.start()

        def join():
            for thread in threads:
                thread.join()
            for failure in failures:
                raise failure
        return join

    def check(self):
        """Everything that was promised is there, whole."""
        for customer in self.customers:
            customer.check()

    def leave(self):
        """Delete everything."""
        for customer in self.customers:
            customer.leave()

    def acts(self):
        return sum(customer.acts for customer in self.customers)

    def unanswered(self):
        return sum(customer.unanswered for customer in self.customers)

    def promised(self, place):
        """Return the contents of the objects that must be at a place, by their paths."""
        return dict((path, content) for customer in self.customers
                    for (where, path), content in customer.promised.items() if where == place)

    def gone(self, place):
        """Return the paths of the objects that must not be at a place."""
        return set(path for customer in self.customers
                   for where, path in customer.gone if where == place)


def keys(stored):
    """Return the place and the path of each copy of an object."""
    return [(place, path_in(stored['places'][place])) for place in stored['places']]


def stored_at(place, path):
    """Return an object, as the platform's database keeps it, that is at one place only."""
    return {'places': {place: '{"path": "%s"}' % path}}
