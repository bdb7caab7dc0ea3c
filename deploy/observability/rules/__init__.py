"""Rules of Prometheus for the objectives: too many and too alike to be written by hand."""
