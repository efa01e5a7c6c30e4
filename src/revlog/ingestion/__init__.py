"""Files to raw tables, nothing lost. Imports neither Airflow nor dbt."""
