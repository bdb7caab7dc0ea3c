"""The use cases of accounts and sessions."""
