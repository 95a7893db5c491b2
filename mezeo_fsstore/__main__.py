import signal
import sys

from mezeo_fsstore.admin.command_line import main


def end(number, frame):
    """Leave by an exception, so that whatever is half done is cleaned up."""
    sys.exit(128 + number)


if __name__ == '__main__':
    for number in (signal.SIGTERM, signal.SIGHUP):
        # What `nohup` has it ignore stays ignored.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)
    sys.exit(main())
