"""Where inboxes, read markers and what accounts leave behind are kept."""
