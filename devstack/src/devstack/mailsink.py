"""`python -m devstack.mailsink`: takes every letter by SMTP, sends none on, and shows them to tests and people.

    GET /                   a page of them, newest first, ?to=ADDRESS for those to one recipient
    GET /mails              the same in JSON: {"items": [{id, from, to, subject, received_at, text, html}]}
    GET /mails/{id}.html    a letter as a mail reader shows it; nothing in it may run or fetch
    GET /mails/{id}.eml     a letter as it came

Settings: HELIOGRAPH_LISTEN (HTTP), HELIOGRAPH_OPS_LISTEN (the same again), HELIOGRAPH_MAIL_LISTEN (SMTP) and
HELIOGRAPH_MAIL_FOLDER, where the last letters are kept.
"""

import asyncio
import json
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time_ns
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

MOST_LETTERS = 500
LARGEST_LETTER = 1 << 20
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}"
)


class Letters:
    """The last letters, in a folder: one file each, named by when it came, with its recipients in its first line."""

    def __init__(self, folder: Path, most: int = MOST_LETTERS) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._most, self._lock = folder, most, threading.Lock()

    def add(self, recipients: Sequence[str], content: bytes) -> None:
        with self._lock:
            known = self._names()
            name = f"{max(time_ns(), int(known[-1]) + 1 if known else 0):020d}"
            part = self._folder / f".{name}.part"
            part.write_bytes(json.dumps(list(recipients)).encode() + b"\n" + content)
            part.replace(self._folder / name)
            for old in known[: max(0, len(known) + 1 - self._most)]:
                (self._folder / old).unlink()

    def find(self, recipient: str = "") -> list[dict[str, Any]]:
        """Newest first; of one recipient, without regard to case, or of all."""
        with self._lock:
            read = [(name, *self._read(name)) for name in reversed(self._names())]
        wanted = recipient.lower()
        return [
            shown(name, recipients, content)
            for name, recipients, content in read
            if not wanted or wanted in [one.lower() for one in recipients]
        ]

    def raw(self, name: str) -> bytes | None:
        with self._lock:
            return self._read(name)[1] if name in self._names() else None

    def _read(self, name: str) -> tuple[list[str], bytes]:
        first, _, content = (self._folder / name).read_bytes().partition(b"\n")
        return json.loads(first), content

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if path.name.isdecimal())


def shown(name: str, recipients: Sequence[str], content: bytes) -> dict[str, Any]:
    message = message_from_bytes(content, policy=policy.default)
    return {
        "id": name,
        "from": str(message["From"] or ""),
        "to": list(recipients),
        "subject": str(message["Subject"] or ""),
        "received_at": int(name) / 1e9,
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
    }


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


class Receiver:
    """What aiosmtpd calls."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 its name
        content = envelope.content
        kept = content.encode() if isinstance(content, str) else content or b""
        await asyncio.to_thread(self._letters.add, envelope.rcpt_tos, kept)
        return "250 kept"


def pages(letters: Letters) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            body, kind, headers = answer(letters, url.path, query.get("to", [""])[0])
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if body is not None else b"there is nothing here\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
            """Readers poll: not worth a line each."""

    return Pages


def answer(letters: Letters, path: str, recipient: str) -> tuple[bytes | None, str, Mapping[str, str]]:
    """Body (None where there is nothing), content type, headers."""
    if path in ("/healthz", "/readyz"):
        return b"ok\n", "text/plain", {}
    if path == "/mails":
        return json.dumps({"items": letters.find(recipient)}).encode(), "application/json", {}
    if path == "/":
        return (
            _list(letters.find(recipient)).encode(),
            "text/html; charset=utf-8",
            {"Content-Security-Policy": _SANDBOX},
        )
    name, _, kind = path.removeprefix("/mails/").partition(".")
    content = letters.raw(name)
    if content is None or kind not in ("eml", "html"):
        return None, "text/plain", {}
    if kind == "eml":
        return content, "text/plain; charset=utf-8", {}
    html = shown(name, [], content)["html"]
    return html.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": _SANDBOX}


def _list(found: Sequence[Mapping[str, Any]]) -> str:
    items = "".join(
        f"<h2>{escape(one['subject'])}</h2><p>to {escape(', '.join(one['to']))}, from {escape(one['from'])} &middot; "
        f'<a href="/mails/{one["id"]}.html">as HTML</a> &middot; <a href="/mails/{one["id"]}.eml">source</a></p>'
        f"<pre>{escape(one['text'])}</pre>"
        for one in found
    )
    return (
        f'<!doctype html><meta charset="utf-8"><title>Mail</title><style>{_STYLE}</style>{items or "<p>No mail yet."}'
    )


async def serve(letters: Letters, mail: str, *http: str) -> None:
    """Until it is told to stop."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    servers = [ThreadingHTTPServer(_split(address), pages(letters)) for address in http]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver = Receiver(letters)

    def protocol() -> SMTP:
        return SMTP(receiver, data_size_limit=LARGEST_LETTER, hostname="localhost", loop=loop)

    async with await loop.create_server(protocol, *_split(mail)):
        await told.wait()
    for server in servers:
        await asyncio.to_thread(server.shutdown)


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def main(variables: Mapping[str, str]) -> None:
    letters = Letters(Path(variables["HELIOGRAPH_MAIL_FOLDER"]))
    http = [variables[name] for name in ("HELIOGRAPH_LISTEN", "HELIOGRAPH_OPS_LISTEN")]
    asyncio.run(serve(letters, variables["HELIOGRAPH_MAIL_LISTEN"], *http))


if __name__ == "__main__":
    main(os.environ)
