"""What the YAML of a feed says: its contract and its layouts."""
