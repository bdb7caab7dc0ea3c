"""The use cases of notifications."""
