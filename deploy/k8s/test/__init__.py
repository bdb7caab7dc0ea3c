"""A cluster of one node on this machine, and what the charts are tried with on it."""
