"""The mail sink as a process: a letter goes in by SMTP and comes out by HTTP."""

import asyncio
import os
import smtplib
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from devstack import bringup, ports, readiness


@contextmanager
def mailsink(folder: Path) -> Generator[tuple[str, int]]:
    """Its URL and its SMTP port."""
    http, ops, smtp = ports.free_ports(3)
    told = {
        "HELIOGRAPH_LISTEN": f"127.0.0.1:{http}",
        "HELIOGRAPH_OPS_LISTEN": f"127.0.0.1:{ops}",
        "HELIOGRAPH_MAIL_LISTEN": f"127.0.0.1:{smtp}",
        "HELIOGRAPH_MAIL_FOLDER": str(folder),
    }
    process = subprocess.Popen([sys.executable, "-m", "devstack.mailsink"], env={**os.environ, **told})
    try:
        asyncio.run(_answers(f"http://127.0.0.1:{ops}/readyz", f"127.0.0.1:{smtp}"))
        yield f"http://127.0.0.1:{http}", smtp
    finally:
        process.terminate()
        assert process.wait(10) == 0


async def _answers(url: str, smtp: str) -> None:
    async with asyncio.timeout(bringup.READY_SECONDS):
        while True:
            try:
                await readiness.http_ready(url)
                await readiness.port(smtp)
                return
            except readiness.NotReady:
                await asyncio.sleep(0.05)


def test_a_letter_goes_in_and_is_shown_also_after_a_restart(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "us@example.org", "anna@example.org", "Hello"
    message.set_content("How are you?")
    with mailsink(tmp_path / "mail") as (url, smtp):
        with smtplib.SMTP("127.0.0.1", smtp, timeout=10) as client:
            client.send_message(message)
        assert "How are you?" in httpx.get(url).text
        assert httpx.get(f"{url}/mails/1.eml").status_code == 404
    with mailsink(tmp_path / "mail") as (url, _):
        items = httpx.get(f"{url}/mails", params={"to": "anna@example.org"}).json()["items"]
        assert [(item["subject"], item["text"]) for item in items] == [("Hello", "How are you?\n")]


def test_what_is_too_large_is_refused(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "us@example.org", "anna@example.org"
    message.set_content("x" * 70 * 20_000)
    with (
        mailsink(tmp_path / "mail") as (_, smtp),
        smtplib.SMTP("127.0.0.1", smtp, timeout=10) as client,
        pytest.raises(smtplib.SMTPResponseException),
    ):
        client.send_message(message)
