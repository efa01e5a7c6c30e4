"""Builds and what was judged of them: their clock, their domains, their verdicts."""
