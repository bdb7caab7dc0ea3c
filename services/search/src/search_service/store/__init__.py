"""The index, against Elasticsearch."""
