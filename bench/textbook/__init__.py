"""A home feed as textbooks and tutorials build it, for comparison: FastAPI with response models, unary grpc.aio calls
to three services, redis-py, cassandra-driver. It reads the same posts from the same servers, and its answers have the
same fields. It checks neither who may see a post nor who has muted whom, and has no metrics and no traces."""
