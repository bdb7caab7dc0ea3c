"""Fixtures on real servers are the kit's."""

pytest_plugins = ["kit.testing"]
