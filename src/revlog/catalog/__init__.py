"""The data dictionary: what every feed, table, column, code and KPI means, as pages."""
