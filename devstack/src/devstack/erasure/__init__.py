"""Looks into every store for what is left of an account. It asks no service: what they say they have erased is what it
proves. All of it is read, row by row, so it takes its time on large stores."""
