"""A whole new file, made of the calls in `disk`: complete, or not there.

A bare `except` here, in `store`, `root` and `disk` always ends in `raise`: it cleans up, it hides
nothing.
"""

from mezeo_fsstore import disk


def write(path, fill, mode, durable):
    """Make the new file `path` with the permissions `mode`; `fill(fd, path)` writes its content.

    With `durable` that has reached the disk on return; the entry in the directory may not have. On
    any error, of `fill` too, the file is removed.
    """
    try:
        fd = disk.create(path)
    except EnvironmentError:
        raise  # nothing was made: what lies there is another's
    except:
        disk.discard(path)  # an interrupt, which may have come just after it was made
        raise
    try:
        try:
            disk.set_mode(fd, mode, path)
            fill(fd, path)
            if durable:
                disk.sync(fd, path)
        except:
            disk.release(fd)
            raise
        disk.close(fd, path)
    except:
        disk.discard(path)
        raise
