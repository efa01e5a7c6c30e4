"""The command `revlog`: what people type. Nothing imports it."""
