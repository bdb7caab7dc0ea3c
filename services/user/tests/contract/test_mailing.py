"""Letters leave the queue by SMTP: over TLS, again after failures, never twice, and not for ever."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from kit.postgres import Postgres
from kit.tasks import background
from kit.testing import eventually
from user_service.clients import RelayAddress, SmtpRelay
from user_service.model.mail import Mail
from user_service.service.letters import TEMPLATES
from user_service.service.mailing import Mailing
from user_service.store.mail import MailQueue, Outbound
from user_service.wiring.base import Base
from user_service.wiring.mail import correspondence_of

from .conftest import Clock, Register
from .smtp_relay import Relay, certificate, smtp_relay

SENDER = "Heliograph <noreply@example.org>"
TOLD = {"username": "anna", "token": "hgm_x-y", "valid": "one hour"}


def mailing(postgres: Postgres, address: RelayAddress, clock: Callable[[], datetime]) -> Mailing:
    return Mailing(Outbound(postgres), SmtpRelay(address, SENDER), "https://photos.example/account/", clock)


def plain(relay: Relay) -> RelayAddress:
    return RelayAddress("127.0.0.1", relay.port, "none", timeout=5)


async def put(postgres: Postgres, clock: Clock, recipient: str = "anna@example.org", **changes: object) -> None:
    values = {"template": "password_reset", "variables": TOLD, **changes}
    async with postgres.primary.transaction() as conn:
        mail = Mail(7, recipient, str(values["template"]), clock() + timedelta(hours=1), values["variables"])  # type: ignore[arg-type]
        await MailQueue().put(conn, mail)


async def waiting(postgres: Postgres) -> list[tuple[int, bool]]:
    """Attempts, and whether it is due, of every letter in the queue."""
    rows = await postgres.primary.fetch("select attempts, due_at <= clock_timestamp() as due from mail_queue")
    return [(row["attempts"], row["due"]) for row in rows]


async def make_due(postgres: Postgres) -> None:
    await postgres.primary.execute("update mail_queue set due_at = clock_timestamp()")


async def test_a_letter_is_sent_once_in_text_and_html(postgres: Postgres, clock: Clock) -> None:
    async with smtp_relay() as relay:
        await put(postgres, clock)
        sender = mailing(postgres, plain(relay), clock)
        assert [await sender.send_some(), await sender.send_some()] == [1, 0]
    (letter,) = relay.letters
    assert relay.envelopes == [("noreply@example.org", ["anna@example.org"])]
    assert (letter["From"], letter["To"], letter["Subject"]) == (SENDER, "anna@example.org", "Set a new password")
    assert letter["Auto-Submitted"] == "auto-generated"
    text, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert text
    assert html
    assert "https://photos.example/account/reset-password#token=hgm_x-y" in text.get_content()
    assert 'href="https://photos.example/account/reset-password#token=hgm_x-y"' in html.get_content()
    assert await waiting(postgres) == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_letters_go_over_tls_with_credentials(
    postgres: Postgres, clock: Clock, tmp_path: Path, security: str
) -> None:
    context, trusted = certificate(tmp_path)
    async with smtp_relay(**{security: context}, auth=True) as relay:
        await put(postgres, clock)
        address = RelayAddress("127.0.0.1", relay.port, security, "us", "relay secret", trusted, 5)  # type: ignore[arg-type]
        await mailing(postgres, address, clock).send_some()
    assert (len(relay.letters), relay.users) == (1, ["us"])
    assert relay.secure == [True]


async def test_no_letter_goes_to_a_relay_that_cannot_prove_who_it_is_or_speaks_no_tls(
    postgres: Postgres, clock: Clock, tmp_path: Path
) -> None:
    context, _ = certificate(tmp_path)
    async with smtp_relay(starttls=context) as stranger, smtp_relay() as clear:
        for relay in (stranger, clear):
            await put(postgres, clock)
            await mailing(postgres, RelayAddress("127.0.0.1", relay.port, "starttls", timeout=5), clock).send_some()
        assert stranger.letters == clear.letters == []
    assert [attempts for attempts, _ in await waiting(postgres)] == [1, 1]


async def test_a_wrong_password_at_the_relay_loses_no_letter(postgres: Postgres, clock: Clock, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    async with smtp_relay(starttls=context, auth=True) as relay:
        await put(postgres, clock)
        address = RelayAddress("127.0.0.1", relay.port, "starttls", "us", "wrong", trusted, 5)
        await mailing(postgres, address, clock).send_some()
    assert await waiting(postgres) == [(1, False)]


async def test_what_fails_for_now_is_tried_again_later(postgres: Postgres, clock: Clock) -> None:
    async with smtp_relay() as relay:
        relay.refusals.append("451 come back later")
        await put(postgres, clock)
        sender = mailing(postgres, plain(relay), clock)
        await sender.send_some()
        assert (await waiting(postgres), await sender.send_some()) == ([(1, False)], 0)
        await make_due(postgres)
        await sender.send_some()
    assert len(relay.letters) == 1
    assert await waiting(postgres) == []


async def test_letters_outlast_a_relay_that_is_away(postgres: Postgres, clock: Clock) -> None:
    await put(postgres, clock)
    await put(postgres, clock, "ben@example.org")
    async with smtp_relay() as relay:
        address = plain(relay)
    await mailing(postgres, address, clock).send_some()
    assert await waiting(postgres) == [(1, False), (1, False)]


async def test_what_is_refused_for_good_is_given_up_and_the_rest_is_sent(postgres: Postgres, clock: Clock) -> None:
    async with smtp_relay() as relay:
        relay.refusals.append("550 no such mailbox")
        await put(postgres, clock, "gone@example.org")
        await put(postgres, clock, "ben@example.org")
        await mailing(postgres, plain(relay), clock).send_some()
    assert [letter["To"] for letter in relay.letters] == ["ben@example.org"]
    assert await waiting(postgres) == []


@pytest.mark.parametrize("change", [{"template": "nothing"}, {"variables": {}}, {"recipient": "not an address"}])
async def test_a_letter_that_cannot_be_written_holds_up_no_other(
    postgres: Postgres, clock: Clock, change: dict[str, object]
) -> None:
    async with smtp_relay() as relay:
        await put(postgres, clock, **change)  # type: ignore[arg-type]
        await put(postgres, clock, "ben@example.org")
        await mailing(postgres, plain(relay), clock).send_some()
    assert [letter["To"] for letter in relay.letters] == ["ben@example.org"]
    assert await waiting(postgres) == []


async def test_a_letter_of_no_use_any_more_is_not_sent(postgres: Postgres, clock: Clock) -> None:
    async with smtp_relay() as relay:
        await put(postgres, clock)
        clock.move(hours=1)
        await mailing(postgres, plain(relay), clock).send_some()
    assert relay.letters == []
    assert await waiting(postgres) == []


async def test_the_tasks_of_the_worker_write_and_send_what_calls_ask_for(
    base: Base, register: Register, postgres: Postgres
) -> None:
    async with smtp_relay() as relay:
        sender = mailing(base.postgres, plain(relay), base.clock)
        async with background([correspondence_of(base).run, sender.run], grace=5):
            await register("anna")

            async def arrived() -> bool:
                return len(relay.letters) == 1 and await waiting(postgres) == []

            await eventually(arrived)
    assert relay.letters[0]["Subject"] == "Confirm your e-mail address"


async def test_the_gauge_tells_how_many_wait_and_for_how_long(postgres: Postgres, clock: Clock) -> None:
    outbound = Outbound(postgres)
    assert await outbound.state() == (0, 0)
    await put(postgres, clock)
    await postgres.primary.execute("update mail_queue set created_at = clock_timestamp() - interval '1 minute'")
    depth, age = await outbound.state()
    assert (depth, round(age / 60)) == (1, 1)


async def test_two_workers_send_each_letter_once(postgres: Postgres, clock: Clock) -> None:
    outbound = Outbound(postgres)
    for number in range(5):
        await put(postgres, clock, f"user{number}@example.org")
    lease = timedelta(minutes=5)
    first, second = await outbound.take(3, lease), await outbound.take(5, lease)
    assert (len(first), len(second)) == (3, 2)
    assert not {due.id for due in first} & {due.id for due in second}


async def test_what_fills_a_letter_makes_no_header_and_no_markup(postgres: Postgres, clock: Clock) -> None:
    hostile = "x\r\nBcc: victim@example.org\r\n\r\n<script>"
    async with smtp_relay() as relay:
        await put(postgres, clock, variables=dict.fromkeys(TOLD, hostile))
        await mailing(postgres, plain(relay), clock).send_some()
    (letter,) = relay.letters
    html = letter.get_body(("html",))
    assert letter["Bcc"] is None
    assert html
    assert "<script>" not in html.get_content()
    assert relay.envelopes == [("noreply@example.org", ["anna@example.org"])]


def test_every_template_names_the_account_it_is_about() -> None:
    assert all("{username}" in " ".join([*one.paragraphs, *one.after]) for one in TEMPLATES.values())
