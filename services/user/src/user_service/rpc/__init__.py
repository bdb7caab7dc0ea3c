"""The gRPC services of this process, one file each."""
