"""Modules that extend other modules, to read and to copy. See `docs/modules.md`."""
