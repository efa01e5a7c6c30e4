"""Suites as code, one module per asset or family of assets, by stage."""
