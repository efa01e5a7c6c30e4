"""What got worse: alert_rows.py makes the rows, by the tests of the others."""
