"""Great Expectations gates: landed rows, core, and what will be published."""
