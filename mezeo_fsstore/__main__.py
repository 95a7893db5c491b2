import sys

from mezeo_fsstore.command import main

sys.exit(main())
