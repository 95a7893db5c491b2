"""The reference module, `simple.simple.SimpleStorage`. It is read and copied, never shipped."""

__version__ = '1.0.0'
