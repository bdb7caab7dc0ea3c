"""Protobuf to model and back."""
