"""A real browser: the distribution's Chromium, without script."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def program() -> str:
    """Of HELIOGRAPH_CHROMIUM, or found in PATH. Raises RuntimeError."""
    named = os.environ.get("HELIOGRAPH_CHROMIUM", "")
    found = next(filter(None, map(shutil.which, (named, *_NAMES))), None)
    if found is None:
        raise RuntimeError("no Chromium: `devstack/bootstrap browser` installs it, HELIOGRAPH_CHROMIUM names another")
    return found


@asynccontextmanager
async def page_without_script() -> AsyncGenerator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=_FLAGS)
        context = await browser.new_context(java_script_enabled=False)
        try:
            yield await context.new_page()
        finally:
            await browser.close()
