"""What a command line says of a root: the root itself, a module over it, and whose it is."""

import os

from mezeo_fsstore.admin.users import become
from mezeo_fsstore.root import Root
from mezeo_fsstore.storage import FilesystemStorage


def root_of(options):
    """Return the `Root` that the parsed command line `options` names."""
    return Root(options.root, options.args.get('root_id'))


def storage_of(options, **settings):
    """Return a FilesystemStorage over that root; `settings` override its registered arguments."""
    return FilesystemStorage(**dict(options.args, root=options.root, **settings))


def act_as_owner(root):
    """Give up the superuser's rights for those of the root's owner, before anything is made.

    The server could not use what belongs to the superuser.
    """
    owner = os.stat(root.path)
    if os.geteuid() == 0 and owner.st_uid != 0:
        become(owner.st_uid, owner.st_gid)
