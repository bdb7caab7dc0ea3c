"""The media worker: makes what clients show out of what people upload."""
