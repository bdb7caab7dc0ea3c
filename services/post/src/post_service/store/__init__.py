"""Every query of this service, against Postgres. One module an aggregate."""
