import string

import pytest
from user_service.clients import compose
from user_service.model.mail import Letter
from user_service.service.letters import TEMPLATES, Template, span, write
from user_service.service.mailing import pause_after

SENDER = "Heliograph <noreply@example.org>"


def variables_of(template: Template) -> set[str]:
    texts = [template.subject, template.link, *template.paragraphs, *template.after]
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_letter_can_be_written_and_sent(name: str) -> None:
    template = TEMPLATES[name]
    told = dict.fromkeys(variables_of(template), "a<b")
    content = write(template, told, "https://photos.example")
    message = compose(Letter(1, "anna@example.org", content.subject, content.text, content.html), SENDER)
    assert b"To: anna@example.org" in message.as_bytes()
    assert "a<b" in content.text
    assert "a<b" not in content.html
    assert "a&lt;b" in content.html
    assert "{" not in content.text


@pytest.mark.parametrize("name", TEMPLATES)
def test_tokens_stand_behind_the_fragment_where_no_server_sees_them(name: str) -> None:
    assert "token" not in TEMPLATES[name].link.partition("#")[0]


def test_a_link_of_its_own_stays_as_it_is() -> None:
    template = Template("Ready", ("Take it, @{username}.",), "{url}", "Take it")
    content = write(template, {"username": "anna", "url": "https://files.example/x?a=1&b=2"}, "https://photos.example")
    assert "https://files.example/x?a=1&b=2\n" in content.text
    assert 'href="https://files.example/x?a=1&amp;b=2"' in content.html


def test_what_turns_or_hides_text_is_taken_out_of_a_letter() -> None:
    template = Template("For @{username}", ("Hello @{username}.",))
    content = write(template, {"username": "an\u202ena\r\nBcc: x\u200b"}, "https://photos.example")
    assert content.subject == "For @anna Bcc: x"


@pytest.mark.parametrize("recipient", ["anna@example.org\r\nBcc: x@example.org", "a b@example.org", "", "anna"])
def test_what_is_no_address_gets_no_letter(recipient: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        compose(Letter(1, recipient, "Hello", "text", "html"), SENDER)


def test_a_subject_cannot_begin_another_header() -> None:
    with pytest.raises(ValueError, match=r"linefeed|newline|header"):
        compose(Letter(1, "anna@example.org", "Hello\r\nBcc: x@example.org", "text", "html"), SENDER)


def test_pauses_grow_to_an_hour() -> None:
    means = [10, 30, 90, 270, 810, 2430, 3600, 3600]
    for attempt, mean in enumerate(means, start=1):
        assert 0.8 * mean <= pause_after(attempt).total_seconds() <= 1.2 * mean
    assert pause_after(10_000).total_seconds() <= 1.2 * 3600


@pytest.mark.parametrize(("days", "words"), [(3, "3 days"), (1, "one day"), (1 / 24, "one hour"), (0.5, "12 hours")])
def test_spans_are_told_in_words(days: float, words: str) -> None:
    assert span(days) == words
