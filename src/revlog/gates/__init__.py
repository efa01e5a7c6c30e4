"""Great Expectations: what a gate is and how it judges. The suites are in `expectations/suites`."""
