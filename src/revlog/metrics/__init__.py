"""The semantic layer: the KPIs as MetricFlow metrics, made from their definitions."""
