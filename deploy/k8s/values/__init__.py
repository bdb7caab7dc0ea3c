"""Writes values.yaml and values.schema.json of all charts, and the library's defaults, from what is here, the charts'
service.yaml and the services' own settings: python -m deploy.k8s.values [--check], from the root of the tree."""
