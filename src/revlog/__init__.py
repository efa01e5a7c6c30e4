"""Reverse logistics, from files that land to figures that are published. Its floors: pyproject.toml."""
