import signal
import sys

from mezeo_fsstore.admin.command_line import main
from mezeo_fsstore.admin.standard_streams import StandardStreams


def end(number, frame):
    """Exit by an exception, so that unfinished work is cleaned up. A handler of signals."""
    sys.exit(128 + number)


def run():
    """Run the command line of this process; return the exit status."""
    streams = StandardStreams()
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            # A signal that `nohup` has set to be ignored stays ignored.
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, end)
        status = main()
    except SystemExit as error:
        status = error.code
    return streams.finish(status)


if __name__ == '__main__':
    sys.exit(run())
