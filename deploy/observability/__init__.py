"""Dashboards, alerts and a local Prometheus: `python -m deploy.observability generate | check | observe | trace`."""
