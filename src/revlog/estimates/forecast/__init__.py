"""Units expected to come back: expected.py makes the rows, from what the others learn."""
