"""What travels as JSON: `answers` (msgspec, ours to encode) and `requests` (pydantic, theirs to validate)."""
