"""How this machine is set up: settings, passwords and keys, and what must not be shown of them."""
