"""The administrator's command, above the module, which works without this folder."""
