"""Superset: datasets, metrics and dashboards as code, and its processes on loopback."""
