"""What a log-in needs: whose a session is, log-ins that wait for a second factor, devices that are known.

Distribution column: user_id, first in every primary key. A log-in by passkey does not know its account before it is
done: such challenges stand under user_id 0.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

# Grows with every end of all sessions: a log-in that began before it comes too late.
ACCOUNTS = "alter table accounts add column session_epoch bigint not null default 0"

SESSIONS = """
-- app_id: null is a client of our own. scopes: the default is what sessions had before they could differ.
alter table sessions add column device_name text not null default '';
alter table sessions add column app_id bigint;
alter table sessions add column scopes text[] not null default '{read,write,follow,push,account}';
"""

CHALLENGES = """
-- Only the hash of a ticket. webauthn: what a passkey has to sign.
create table login_challenges (
    user_id bigint not null,
    challenge_id bigint not null default next_id(),
    secret_hash bytea not null,
    webauthn bytea not null,
    session_epoch bigint not null,
    attempts smallint not null default 0,
    expires_at timestamptz not null,
    primary key (user_id, challenge_id)
);
create index login_challenges_expiry on login_challenges (expires_at);
"""

DEVICES = """
-- Devices from which the account was logged in to; only the hash of what they show to be known again.
create table known_devices (
    user_id bigint not null,
    token_hash bytea not null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    primary key (user_id, token_hash)
);
create index known_devices_last_use on known_devices (last_used_at);
"""

SECURITY_EVENTS = "create index security_events_age on security_events (created_at)"


def upgrade() -> None:
    for script in (ACCOUNTS, SESSIONS, CHALLENGES, DEVICES, SECURITY_EVENTS):
        op.execute(script)
