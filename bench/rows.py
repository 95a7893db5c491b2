"""The rows that time single operations. One batch of a row is `count` operations in a loop.

A row's methods, in this order: `ready` once, then for each batch `before`, `run` (the only one
that is timed), `after`; `done` at the end. What `before` returns is handed to `run`, what that
returns to `after`, which verifies it.
"""

from bench import content, registry

KIB = 1024
MIB = 1024 * KIB


class Row:
    """`name` is for the command line, `title` for the reader; `methods` are those it calls."""

    methods = ()

    def __init__(self, name, title, names, count, size):
        self.name = name
        self.title = title
        self.names = names
        self.count = count
        self.size = size

    @property
    def durable(self):
        """Whether the disk itself is waited for."""
        return self.names[0] == registry.DURABLE[0]

    def ready(self, contender):
        """Make what all batches share."""

    def before(self, contender):
        """Make what one batch needs."""

    def after(self, contender, results):
        """Verify the results of one batch, and remove what it left."""

    def done(self, contender):
        """Remove what `ready` made."""


class Put(Row):
    """A stream becomes a new object."""

    methods = ('put',)

    def before(self, contender):
        contender.prepare(self.count)
        return [content.stream(self.size) for _ in range(self.count)]

    def run(self, contender, streams):
        return [contender.put(stream) for stream in streams]

    def after(self, contender, results):
        for key in results:
            content.verify(contender.chunks(key), self.size)
            if self.size > MIB:  # small ones stay, as they do in life
                contender.discard(key)


class Reading(Row):
    """Something is asked of the object that `ready` puts."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.keys = {}

    def ready(self, contender):
        contender.prepare(1)
        self.keys[contender] = contender.put(content.stream(self.size))

    def done(self, contender):
        contender.discard(self.keys.pop(contender))


class Get(Reading):
    """A whole small object, in one piece."""

    methods = ('get',)

    def run(self, contender, _):
        key = self.keys[contender]
        return [contender.get(key) for _ in range(self.count)]

    def after(self, contender, results):
        for result in results:
            content.verify([bytes(result)], self.size)


class GetLarge(Reading):
    """A large object in chunks of 1 MiB. Verified once more, as reading twice is out of memory."""

    methods = ('chunks',)

    def run(self, contender, _):
        return sum(map(len, contender.chunks(self.keys[contender])))

    def after(self, contender, results):
        content.require(results, self.size)
        content.verify(contender.chunks(self.keys[contender]), self.size)


class Range(Reading):
    """`length` bytes out of the middle of an object."""

    methods = ('get_range',)

    def __init__(self, *args, length):
        super().__init__(*args)
        self.length = length
        self.offset = self.size // 2 + 12345

    def run(self, contender, _):
        key, offset, length = self.keys[contender], self.offset, self.length
        return [contender.get_range(key, offset, length) for _ in range(self.count)]

    def after(self, contender, results):
        expected = content.data(self.size)[self.offset:self.offset + self.length]
        for result in results:
            content.require(bytes(result), expected)


class Exists(Reading):
    """Is it there? It is."""

    methods = ('exists',)

    def run(self, contender, _):
        key = self.keys[contender]
        return [contender.exists(key) for _ in range(self.count)]

    def after(self, contender, results):
        content.require(results, [True] * self.count)


class Missing(Row):
    """Is it there? It is not. Asked once before, so that the kernel knows: growth asks anew."""

    methods = ('exists',)

    def before(self, contender):
        keys = [contender.missing() for _ in range(self.count)]
        self.run(contender, keys)
        return keys

    def run(self, contender, keys):
        return [contender.exists(key) for key in keys]

    def after(self, contender, results):
        content.require(results, [False] * self.count)


class Size(Reading):
    """How large is it?"""

    methods = ('size',)

    def run(self, contender, _):
        key = self.keys[contender]
        return [contender.size(key) for _ in range(self.count)]

    def after(self, contender, results):
        content.require(results, [self.size] * self.count)


class Delete(Row):
    """A small object goes."""

    methods = ('delete', 'exists')

    def before(self, contender):
        contender.prepare(self.count)
        return [contender.put(content.stream(self.size)) for _ in range(self.count)]

    def run(self, contender, keys):
        for key in keys:
            contender.delete(key)
        return keys

    def after(self, contender, results):
        for key in results:
            content.require(contender.exists(key), False)


class Copy(Reading):
    """An object becomes another, on the server."""

    methods = ('copy',)

    def before(self, contender):
        contender.prepare(self.count)

    def run(self, contender, _):
        key = self.keys[contender]
        return [contender.copy(key) for _ in range(self.count)]

    def after(self, contender, results):
        for key in results:
            content.verify(contender.chunks(key), self.size)
            contender.delete(key)


class Statistics(Row):
    """How full is it?"""

    methods = ('statistics',)

    def run(self, contender, _):
        for _ in range(self.count):
            contender.statistics()


def rows(quick=False):
    """Return all rows in the order of the report; with `quick` small ones that only show life."""
    few, many = (3, 10) if quick else (25, 100)
    large, middle, huge = (4 * MIB, MIB, 8 * MIB) if quick else (256 * MIB, 16 * MIB, 1024 * MIB)
    relaxed, durable, readers = registry.RELAXED, registry.DURABLE, registry.READERS
    kernel, durably = ('sendfile', 'reflink'), ('sendfile, durable', 'reflink, durable')
    bare, digest = ('bare',), ('floor, digest', 'mezeo_fsstore, digest')
    text, huge_text = '%d MiB' % (large // MIB), '%d MiB' % (huge // MIB)
    return [
        Put('put-4k', 'put 4 KiB', relaxed + digest + ('one folder',) + bare, many,
            4 * KIB),
        Put('put-4k-durable', 'put 4 KiB, durable', durable + ('one folder, durable',), few,
            4 * KIB),
        Put('put-64k', 'put 64 KiB', relaxed + digest, many, 64 * KIB),
        Put('put-64k-durable', 'put 64 KiB, durable', durable, few, 64 * KIB),
        Put('put-256m', 'put ' + text, relaxed + digest, 1, large),
        Put('put-256m-durable', 'put %s, durable' % text, durable, 1, large),
        Put('put-1g-durable', 'put %s, durable' % huge_text, durable[:4], 1, huge),
        Put('chunks', 'put %s in chunks of 256 KiB, and others' % text,
            ('mezeo_fsstore', 'chunks of 64 KiB', 'chunks of 1 MiB', 'chunks of 4 MiB'), 1,
            large),
        Get('get-4k', 'get 4 KiB', readers + bare, many, 4 * KIB),
        GetLarge('get-256m', 'get ' + text, readers, 1, large),
        Range('range-4k', '4 KiB out of %d MiB' % (middle // MIB), readers + bare, many,
              middle, length=4 * KIB),
        Range('range-64k', '64 KiB out of %d MiB' % (middle // MIB), readers, many, middle,
              length=64 * KIB),
        Exists('exists-hit', 'exists: yes', readers + bare, many, 4 * KIB),
        Missing('exists-miss', 'exists: no', readers + bare, many, 4 * KIB),
        Size('size', 'size', readers + bare, many, 4 * KIB),
        Delete('delete', 'delete', relaxed + bare, many, 4 * KIB),
        Delete('delete-durable', 'delete, durable', durable, few, 4 * KIB),
        Statistics('statistics', 'statistics', relaxed, many, 0),
        Copy('copy-256m', 'server-side copy of ' + text, relaxed + kernel, 1, large),
        Copy('copy-256m-durable', 'server-side copy of %s, durable' % text, durable + durably, 1,
             large),
        Copy('copy-1g', 'server-side copy of ' + huge_text, relaxed[:2] + kernel, 1, huge),
        Copy('copy-1g-durable', 'server-side copy of %s, durable' % huge_text,
             durable[:1] + durable[2:3] + durably, 1, huge),
    ]
