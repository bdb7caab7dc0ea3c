"""Fixtures of all tests, and how examples are drawn."""

import os

from hypothesis import settings

# Folders of these names lie beside this file: imported first, the packages are not mistaken for them.
import demo as demo
import devstack as devstack
import gateway as gateway
import helio as helio

pytest_plugins = ["kit.testing"]

# Examples are not timed: machines are busy. CI draws the same ones each time, so that a red run is the change's fault;
# people draw new ones, and what fails is printed to be drawn again.
settings.register_profile("heliograph", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("heliograph"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "heliograph")
