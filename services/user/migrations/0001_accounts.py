"""Accounts, credentials, sessions, revocations, and the outbox.

Distribution column: user_id, first in every primary key. The two reservation tables are keyed by what they keep unique,
for only so can a distributed Postgres refuse the second row: no unique index spans shards. Their rows are written when
an account is made (later also when a username or an e-mail address changes) in the transaction that writes the account,
which Citus then commits in two phases over up to three shards. That is rare, and worth that no name is ever reserved
for an account that was not made. All else touches one user_id, and a look-up by name is one read of one shard for the
id and another for the row: no query joins across the two keys.
"""

from alembic import op
from kit.migrations import NEXT_ID_V1, OUTBOX_V1

revision = "0001"
down_revision = None

RESERVATIONS = """
-- Who repeats the request that made an account finds its request_id here, beside the name it asked for.
create table usernames (
    username text primary key,
    user_id bigint not null,
    request_id text not null,
    created_at timestamptz not null default clock_timestamp()
);
create table emails (
    email_key text primary key,
    user_id bigint not null,
    created_at timestamptz not null default clock_timestamp()
);
"""

ACCOUNTS = """
create table accounts (
    user_id bigint primary key,
    username text not null,
    email text not null,
    email_verified boolean not null default false,
    name text not null,
    bio text not null default '',
    website text not null default '',
    location text not null default '',
    pronouns text not null default '',
    avatar_key text not null default '',
    private_account boolean not null default false,
    state smallint not null default 1,
    version bigint not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp()
);
-- Apart from the accounts, so that no query of a profile can carry a hash away.
create table credentials (
    user_id bigint primary key,
    password_hash text not null,
    changed_at timestamptz not null default clock_timestamp()
);
"""

SESSIONS = """
-- Only hashes of tokens. rotated_*: the tokens rotated within some seconds before the last rotation, side by side.
create table sessions (
    user_id bigint not null,
    session_id bigint not null default next_id(),
    user_agent text not null,
    address text not null,
    family_hash bytea not null,
    token_hash bytea not null,
    rotated_hashes bytea[] not null default '{}',
    rotated_at timestamptz[] not null default '{}',
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (user_id, session_id)
);
create index sessions_expiry on sessions (expires_at);

-- Readers ask for what came after the last revision they saw, so revisions must become visible in their order: they
-- are drawn under a transaction's advisory lock, which Postgres frees only after the commit can be seen.
create sequence revocation_revision;
create table revocations (
    user_id bigint not null,
    session_id bigint not null,
    revision bigint not null,
    expires_at timestamptz not null,
    primary key (user_id, session_id)
);
create index revocations_revision on revocations (revision);
"""


def upgrade() -> None:
    for script in (NEXT_ID_V1, OUTBOX_V1, RESERVATIONS, ACCOUNTS, SESSIONS):
        op.execute(script)
