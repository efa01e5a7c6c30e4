"""The warehouse as a thing to look after: upgrade, backup, restore."""
