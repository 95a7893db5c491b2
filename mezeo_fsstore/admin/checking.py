"""`check`: the state of a root, test objects on it, and what its filesystem offers.

It tries things in a small root inside the real one, and only looks at the real one.
"""

from mezeo_fsstore.admin import check_life, check_offers, check_rights, check_state
from mezeo_fsstore.admin.check_report import Report
from mezeo_fsstore.admin.mounts import mount_of
from mezeo_fsstore.admin.options import add_command, add_registered
from mezeo_fsstore.admin.registration import root_of
from mezeo_fsstore.admin.small_root import SmallRoot
from mezeo_fsstore.storage import FilesystemStorage


def add_commands(commands):
    """Add `check` to the parser of the command line."""
    add_registered(add_command(
        commands, check,
        'Examine the root: its state, the whole life of objects on it, each step timed, and what '
        'its filesystem offers.',
        'Each line starts with ok, warn or FAIL; with a FAIL the exit status is 1. It works in a '
        'directory of its own in the root, and removes that.', expects_marker=False))


def check(options):
    """Run `check`: print a line for each step, and return 1 if any failed."""
    root = root_of(options, as_owner=True)
    return 0 if examine(root, options.args) else 1


def examine(root, registered):
    """Examine `root`, a `Root`; print a line for each step. Returns whether none failed.

    `registered` are the other arguments of its registration. What this makes is removed at the end,
    also after an error.
    """
    storage = FilesystemStorage(**dict(registered, root=root.path))
    modes = [int(registered.get(name, default), 8)
             for name, default in (('file_mode', '0600'), ('dir_mode', '0700'))]
    mount, small, report = mount_of(root.path), SmallRoot(root, modes[1]), Report(root.path)
    report.title('state')
    # If this may be another volume, nothing else is tried.
    if report.run(check_state.identity_steps(root, mount)):
        report.run(check_state.steps(root, storage))
        usable = report.run(check_rights.steps_of_root(root))
        report.run(check_rights.steps_of_content(root, *modes))
        try:
            # If the root is only partly usable, what is made there perhaps can not be removed.
            if usable and report.run([('a small root to work in', small.make)]):
                free = storage.statistics(None)['capacity']['free']
                _try_out(small, registered, modes, mount, free, report)
        finally:
            small.discard()
    return report.conclude()


def _try_out(small, registered, modes, mount, free, report):
    """Run the steps that store something, in `small`, a SmallRoot, and remove that."""
    durable, volatile = [
        FilesystemStorage(**dict(registered, root=small.path, root_id=None, durable=value))
        for value in (True, False)]
    size = check_life.large_size(free)
    report.title('life of an object, durable')
    report.run_until_failure(check_life.steps(durable, size))
    report.title('life of an object, not durable')
    report.run_until_failure(check_life.steps(volatile, size))
    report.title('what the filesystem offers')
    report.run(check_offers.steps(small, volatile, modes[0], modes[1], mount))
    report.run([('nothing is left', small.remove)])
