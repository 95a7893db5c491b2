"""The administrator's command, and the egg that it is run from."""
