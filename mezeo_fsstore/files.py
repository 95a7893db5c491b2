"""A whole new file, made of the calls in `disk`: complete, or not there.

A bare `except` here and in `store` always ends in `raise`: it cleans up, it hides nothing.
"""

from mezeo_fsstore import disk


def write(path, chunks, mode, durable):
    """Make the new file `path` with the permissions `mode`, holding `chunks`, bytes after bytes.

    With `durable` its content has reached the disk on return; its entry in the directory may not.
    On any error, of `chunks` too, it is removed.
    """
    fd = disk.create(path)
    try:
        try:
            disk.set_mode(fd, mode, path)
            for chunk in chunks:
                disk.write(fd, chunk, path)
            if durable:
                disk.sync(fd, path)
        except:
            disk.release(fd)
            raise
        disk.close(fd, path)
    except:
        disk.discard(path)
        raise
