"""What can be expected, computed from core in Python: statistics that SQL has no functions for.

Each estimate is a table of schema `estimates`, made anew in every build before the marts, which read it as a
source. docs/decisions/0058-estimates.md
"""
