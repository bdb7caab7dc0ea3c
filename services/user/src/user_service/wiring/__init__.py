"""What the processes of this service are made of."""
