"""The stages of a night as plain functions: what Airflow's tasks, `make retailer` and tests call."""
