"""Fixtures of all tests."""

# Folders of these names lie beside this file: imported first, the packages are not mistaken for them.
import demo as demo
import devstack as devstack
import gateway as gateway

pytest_plugins = ["kit.testing"]
