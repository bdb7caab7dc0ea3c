"""Truth in Postgres; relations and counts also in Redis."""
