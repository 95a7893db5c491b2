"""Whole files and directories, made of the calls in `disk`; nothing half done is left behind.

A bare `except` here and in `store` always ends in `raise`: it cleans up, it hides nothing.
"""

from mezeo_fsstore import disk


def write(path, chunks, mode, durable):
    """Make the new file `path` with the permissions `mode`, holding `chunks`, bytes after bytes.

    With `durable` it has reached the disk on return. On any error, of `chunks` too, it is removed.
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


def sync_directory(path):
    """Return when the entries of the directory `path` are on the disk."""
    fd = disk.open_directory(path)
    try:
        disk.sync_directory(fd, path)
    finally:
        disk.release(fd)
