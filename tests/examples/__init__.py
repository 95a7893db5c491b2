"""Modules on top of modules, to read and to copy: `docs/modules.md` tells about them."""
