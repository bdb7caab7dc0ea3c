"""The mail sink's memory and what it shows."""

import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from devstack.mailsink import Letters, answer


def letter(subject: str, text: str = "Hello", html: str = "<p>Hello</p>") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "us@example.org", "anna@example.org", subject
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


def listed(letters: Letters, recipient: str = "") -> list[dict[str, Any]]:
    body, kind, _ = answer(letters, "/mails", recipient)
    assert kind == "application/json"
    return json.loads(body or b"")["items"]


def test_letters_are_listed_newest_first_by_recipient_in_any_case(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    letters.add(["anna@example.org"], letter("one"))
    letters.add(["ben@example.org", "Anna@example.org"], letter("two"))
    letters.add(["ben@example.org"], letter("three"))
    assert [one["subject"] for one in listed(letters)] == ["three", "two", "one"]
    assert [one["subject"] for one in listed(letters, "ANNA@example.org")] == ["two", "one"]
    assert listed(letters, "ann@example.org") == []


def test_a_letter_is_shown_with_both_its_texts(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    letters.add(["anna@example.org"], letter("Grüße", "plain ü", "<p>rich ü</p>"))
    (found,) = listed(letters)
    assert (found["subject"], found["text"], found["html"]) == ("Grüße", "plain ü\n", "<p>rich ü</p>\n")
    assert (found["from"], found["to"]) == ("us@example.org", ["anna@example.org"])


def test_only_the_last_letters_are_kept_also_over_a_restart(tmp_path: Path) -> None:
    for number in range(7):
        Letters(tmp_path, most=3).add(["anna@example.org"], letter(str(number)))
    assert [one["subject"] for one in listed(Letters(tmp_path, most=3))] == ["6", "5", "4"]


def test_what_a_letter_holds_cannot_run_on_its_pages(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    letters.add(["anna@example.org"], letter("<script>x</script>", "<script>y</script>", "<script>z</script>"))
    body, _, headers = answer(letters, "/", "")
    assert b"<script>" not in (body or b"")
    name = listed(letters)[0]["id"]
    body, kind, headers = answer(letters, f"/mails/{name}.html", "")
    assert (kind, body) == ("text/html; charset=utf-8", b"<script>z</script>\n")
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_there_is_nothing_elsewhere(tmp_path: Path) -> None:
    letters = Letters(tmp_path)
    letters.add(["anna@example.org"], letter("one"))
    name = listed(letters)[0]["id"]
    for path in ("/nothing", "/mails/1.eml", f"/mails/{name}", f"/mails/{name}.exe", "/mails/../secret.eml"):
        assert answer(letters, path, "")[0] is None
