"""dbt: what it is told of contracts, how it is run, and MetricFlow beside it."""
