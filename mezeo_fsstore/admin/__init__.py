"""The administrator's command. It uses the module; the module works without this folder."""
