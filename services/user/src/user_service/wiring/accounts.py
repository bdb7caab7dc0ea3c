"""Accounts: how one is made, its names, addresses and passwords."""

from datetime import timedelta

from user_service import events
from user_service.rpc.credentials import CredentialRpc
from user_service.service.accounts import Accounts
from user_service.service.addresses import Addresses
from user_service.service.credentials import Credentials
from user_service.service.password_rules import PasswordRules
from user_service.service.usernames import UsernameRules, Usernames
from user_service.store.breached import BreachedPasswords
from user_service.store.credentials import CredentialStore
from user_service.store.emails import EmailStore
from user_service.store.letter_requests import LetterRequests
from user_service.store.usernames import UsernameStore
from user_service.wiring.base import Base


def accounts_of(base: Base) -> Accounts:
    return Accounts(
        base.accounts,
        base.profiles,
        base.outbox,
        base.passwords,
        events.event_of,
        rules=_rules(base),
        usernames=UsernameStore(),
        emails=EmailStore(base.postgres),
        letters=LetterRequests(base.postgres),
        limits=base.entrance.limits,
    )


def credential_rpc_of(base: Base) -> CredentialRpc:
    emails, credentials = EmailStore(base.postgres), CredentialStore(base.postgres)
    requests = LetterRequests(base.postgres)
    limits = base.entrance.limits
    addresses = Addresses(
        base.postgres,
        base.accounts,
        emails,
        credentials,
        requests,
        base.mail,
        base.log,
        base.sign_in,
        limits,
        base.clock,
    )
    passwords = Credentials(
        base.postgres,
        base.accounts,
        emails,
        credentials,
        base.sessions,
        requests,
        base.mail,
        base.log,
        base.passwords,
        _rules(base),
        base.sign_in,
        base.tokens,
        limits,
        base.entrance.devices,
        base.factors,
        base.clock,
    )
    return CredentialRpc(addresses, passwords, _usernames(base))


def _usernames(base: Base) -> Usernames:
    rules = UsernameRules(timedelta(days=base.settings.username_hold_days), base.settings.username_changes)
    return Usernames(
        base.outbox,
        base.accounts,
        UsernameStore(),
        base.profiles,
        base.mail,
        base.log,
        events.event_of,
        rules,
        base.clock,
    )


def _rules(base: Base) -> PasswordRules:
    return PasswordRules(BreachedPasswords(base.settings.breached_passwords_file), base.settings.password_min_length)
