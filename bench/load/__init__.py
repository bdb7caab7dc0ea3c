"""A generator of HTTP load in a process of its own: see `plan` for what it is told and what it answers."""
