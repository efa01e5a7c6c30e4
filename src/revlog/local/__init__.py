"""The pipeline on one machine: the embedded database and Airflow's own processes."""
