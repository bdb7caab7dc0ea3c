"""The authorization server for other people's apps."""
