"""Who stands how to whom, and what may change about it."""
