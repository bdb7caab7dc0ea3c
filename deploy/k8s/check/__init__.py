"""What `make charts` checks: python -m deploy.k8s.check [--golden] [STEP...], from the root of the tree."""
