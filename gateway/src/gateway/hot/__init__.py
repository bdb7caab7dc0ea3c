"""What is asked for most, answered before the application is reached: for plain requests, in the same bytes."""
