"""What writes and sends letters."""

from collections.abc import Sequence

from kit.server import Task

from user_service.clients import SmtpRelay
from user_service.service.correspondence import Correspondence
from user_service.service.mailing import Mailing
from user_service.settings import WorkerSettings
from user_service.store.credentials import CredentialStore
from user_service.store.emails import EmailStore
from user_service.store.letter_requests import LetterRequests
from user_service.store.mail import Outbound
from user_service.wiring.base import Base


def correspondence_of(base: Base) -> Correspondence:
    return Correspondence(
        base.postgres,
        LetterRequests(base.postgres),
        base.accounts,
        EmailStore(base.postgres),
        CredentialStore(base.postgres),
        base.mail,
        base.log,
        base.entrance.limits,
        base.factors,
        base.clock,
    )


def mailing_of(base: Base, settings: WorkerSettings) -> Mailing:
    relay = SmtpRelay(settings.relay, settings.mail_from)
    return Mailing(Outbound(base.postgres), relay, settings.web_url, base.clock)


def mail_tasks_of(base: Base, settings: WorkerSettings) -> Sequence[Task]:
    return [correspondence_of(base).run, mailing_of(base, settings).run]
