"""A Prometheus and an OpenTelemetry Collector on this machine, beside a stack that `make up` has started."""
