"""Pages for people: no script, nothing fetched from elsewhere, readable in a text browser."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "style.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_pages = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(name: str, status: int = 200, forms_lead_to: Sequence[str] = (), **values: object) -> Response:
    """`forms_lead_to` are sources (of a Content-Security-Policy) beside our own that a form may end up at."""
    destinations = " ".join(("'self'", *forms_lead_to))
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {destinations}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    text = _pages.get_template(f"{name}.html").render(style=Markup(_STYLE), **values)  # noqa: S704 our own file
    return Response(text, status, headers, "text/html; charset=utf-8")


def leads_to(redirect_uri: str) -> Sequence[str]:
    """Browsers hold form-action against every redirect that follows a form: to the app, and from there wherever on the
    web it sends people on."""
    parts = urlsplit(redirect_uri)
    if parts.scheme == "https":
        return ("https:",)
    return ("https:", f"http://{parts.netloc}") if parts.scheme == "http" else (f"{parts.scheme}:",)
