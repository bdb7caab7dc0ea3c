"""The two pages that links in letters lead to, for installations without a web client of their own.

The token stands behind the # of the address: no server, proxy or Referer ever sees it, and whatever fetches links
before people do uses nothing up, since only the button sends it. That takes a little script, and no other may run.
"""

import base64
import hashlib
from html import escape

_STYLE = """
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto;
padding: 0 1rem } label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
input, button { margin: .3rem 0 1rem; padding: .6rem } [hidden] { display: none }
"""
_SCRIPT = """
"use strict";
const form = document.querySelector("form"), told = document.querySelector("output");
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
history.replaceState(null, "", location.pathname);
form.hidden = !token;
if (!token) told.textContent = "This page needs the whole link of the letter.";
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  form.querySelector("button").disabled = true;
  try {
    const answer = await fetch(form.dataset.to, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...fields, token }),
    });
    const fault = answer.ok ? null : await answer.json();
    const reasons = fault && (fault.errors || []).map((error) => error.pointer.slice(1) + " " + error.reason);
    told.textContent = answer.ok ? form.dataset.done : [fault.detail, ...reasons].join("; ");
    form.hidden = answer.ok;
  } catch {
    told.textContent = "That did not get through. Try again.";
  }
  form.querySelector("button").disabled = false;
});
"""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src 'sha256-{_hash(_SCRIPT)}'; style-src 'sha256-{_hash(_STYLE)}'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def _page(title: str, to: str, done: str, fields: str, button: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="robots" content="noindex"><title>{escape(title)} · Heliograph</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>"
        f'<form hidden data-to="{escape(to)}" data-done="{escape(done)}">'
        f"{fields}<button>{escape(button)}</button></form>"
        f"<output></output><noscript><p>This page needs JavaScript: without it the link's secret part would have to be "
        f"sent to the server with the address.</p></noscript><script>{_SCRIPT}</script></html>"
    )


VERIFY_EMAIL = _page(
    "Confirm your e-mail address",
    "../v1/accounts/verify-email",
    "Your address is confirmed.",
    "",
    "Confirm the address",
)
RESET_PASSWORD = _page(
    "Set a new password",
    "../v1/password/reset",
    "Your new password is set, and all devices have been logged out. You can log in now.",
    '<label for="password">New password</label>'
    '<input id="password" name="password" type="password" autocomplete="new-password" '
    'minlength="8" maxlength="128" required>',
    "Set the password",
)
