"""A browser on our own pages: its cookies, and whether a form really comes from one of these pages.

A form is taken when three things agree: the browser sends our cookie, which it does for forms of our own pages alone
(SameSite=Lax); the form holds a token that only a page for this cookie could hold; and what the browser itself says of
where the form comes from is us, if it says anything, as text browsers do not.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request, Response

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_DEVICE = re.compile(r"hgd_[A-Za-z0-9_-]{43}")
_DEVICE_SECONDS = 400 * 24 * 3600  # as long as browsers keep a cookie
_LOGIN = re.compile(r"hgb_[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True)
class Cookies:
    """With https their names bind them to this very host: no other of its domain can set them (RFC 6265bis)."""

    secure: bool

    @property
    def login(self) -> str:
        return "__Host-heliograph-login" if self.secure else "heliograph-login"

    @property
    def device(self) -> str:
        return "__Host-heliograph-device" if self.secure else "heliograph-device"

    @property
    def form(self) -> str:
        return "__Host-heliograph-form" if self.secure else "heliograph-form"


class Browser:
    """One request's. `login` is empty when nobody is logged in, as far as the cookies tell; `device` is what an earlier
    log-in left, for the limits on guesses."""

    def __init__(self, request: Request, public_url: str) -> None:
        base = urlsplit(public_url)
        self._request, self._origin = request, f"{base.scheme}://{base.netloc}"
        self._cookies = Cookies(base.scheme == "https")
        self.login = self._kept(self._cookies.login, _LOGIN)
        self.device = self._kept(self._cookies.device, _DEVICE)
        self._form = self._kept(self._cookies.form, _SECRET)
        self._made = not self._form
        if self._made:
            self._form = secrets.token_urlsafe(32)

    def token(self, query: str) -> str:
        """For a form of this browser, this log-in and this request of an app."""
        said = hmac.digest(self._form.encode(), f"{self.login}\n{query}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(said).rstrip(b"=").decode()

    def sent(self, token: str, query: str) -> bool:
        """Whether the form with this token is one that `token` made for it."""
        genuine = not self._made and hmac.compare_digest(token.encode(), self.token(query).encode())
        return genuine and self._from_here()

    def remember(self, response: Response) -> None:
        """What its forms are known by."""
        if self._made:
            self._set(response, self._cookies.form, self._form, None)

    def log_in(self, response: Response, token: str, seconds: int, device: str) -> None:
        """Whatever was known of the browser before counts no more."""
        if device:
            self._set(response, self._cookies.device, device, _DEVICE_SECONDS)
        self._set(response, self._cookies.login, token, seconds)
        self._set(response, self._cookies.form, secrets.token_urlsafe(32), None)

    def log_out(self, response: Response) -> None:
        self._set(response, self._cookies.login, "", 0)

    def _from_here(self) -> bool:
        origin, site = self._request.headers.get("origin"), self._request.headers.get("sec-fetch-site")
        if site is not None and site != "same-origin":
            return False
        # Our pages tell nobody where they are (Referrer-Policy): then their forms' origin is null, to us as well.
        return origin in (None, self._origin) or (origin == "null" and site == "same-origin")

    def _kept(self, name: str, form: re.Pattern[str]) -> str:
        value = self._request.cookies.get(name, "")
        return value if form.fullmatch(value) else ""

    def _set(self, response: Response, name: str, value: str, seconds: int | None) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self._cookies.secure, httponly=True, samesite="lax"
        )
