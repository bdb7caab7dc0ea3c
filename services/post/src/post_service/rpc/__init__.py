"""The gRPC surface: messages in, use cases, messages out."""
