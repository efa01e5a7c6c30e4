"""What a text in a file may mean: characters, instants, codes, reasons to refuse one. Knows no contract."""
