"""The reference module, `simple.simple.SimpleStorage`. It is read and copied, never shipped."""
