"""Second factors: time-based codes, recovery codes, passkeys.

Distribution column: user_id, first in every primary key. `passkey_ids` is keyed by what it keeps unique, as the tables
of reserved names are: its row is written and deleted in the transaction that writes the passkey.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

TOTP = """
-- secret is sealed under the key that sealed_with names. It counts once confirmed_at is set; until then it is good for
-- being confirmed before expires_at. last_step: the newest time step whose code was taken. wrong_codes in a row, the
-- last of them at wrong_at.
create table totp (
    user_id bigint primary key,
    secret bytea not null,
    sealed_with text not null,
    expires_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    last_used_at timestamptz,
    wrong_codes integer not null default 0,
    wrong_at timestamptz
);
create index totp_sealed_with on totp (sealed_with);
"""

RECOVERY_CODES = """
-- SHA-256 of random codes. A used one stays, so that its owner sees how many there were.
create table recovery_codes (
    user_id bigint not null,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);
"""

PASSKEYS = """
-- What authenticators know an account by: random, since they show it to whoever holds them.
create table passkey_handles (
    user_id bigint primary key,
    handle bytea not null
);
create table passkeys (
    user_id bigint not null,
    passkey_id bigint not null default next_id(),
    credential_id bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    transports text[] not null,
    name text not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    primary key (user_id, passkey_id),
    unique (user_id, credential_id)
);
create table passkey_ids (
    credential_id bytea primary key,
    user_id bigint not null
);
"""

CHALLENGES = """
-- Each is good for one answer. purpose: 1 registration of a passkey, 2 proof before a change.
create table passkey_challenges (
    user_id bigint not null,
    ticket_hash bytea not null,
    purpose smallint not null,
    challenge bytea not null,
    expires_at timestamptz not null,
    primary key (user_id, ticket_hash)
);
create index passkey_challenges_expiry on passkey_challenges (expires_at);
"""


def upgrade() -> None:
    for script in (TOTP, RECOVERY_CODES, PASSKEYS, CHALLENGES):
        op.execute(script)
