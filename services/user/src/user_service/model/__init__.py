"""What an account and a session are, and the rules they keep."""
