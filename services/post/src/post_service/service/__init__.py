"""Use cases: one class an area, one method an intent."""
