"""A whole new file, made of the calls in `disk`: complete, or not there.

A bare `except` here and in `store` always ends in `raise`: it cleans up, it hides nothing.
"""

from mezeo_fsstore import disk


def write(path, read, mode, durable):
    """Make the new file `path` with the permissions `mode`, holding what `read()` returns.

    `read` is called until it returns `b''`. With `durable` the content has reached the disk on
    return; the entry in the directory may not. On any error, of `read` too, the file is removed.
    """
    fd = disk.create(path)
    try:
        try:
            disk.set_mode(fd, mode, path)
            chunk = read()
            while chunk:
                disk.write(fd, chunk, path)
                chunk = read()
            if durable:
                disk.sync(fd, path)
        except:
            disk.release(fd)
            raise
        disk.close(fd, path)
    except:
        disk.discard(path)
        raise
