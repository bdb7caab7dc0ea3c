"""The home feed under load, beside what it is compared with: `python -m bench.home`."""
