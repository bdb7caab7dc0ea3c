"""The log of security events, the queue of mail, and what an account's state needs.

Distribution column: user_id, first in every primary key.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

ACCOUNTS = """
-- 1 member, 2 moderator, 3 administrator.
alter table accounts add column role smallint not null default 1;
-- Set while the account is in state 3 (deleted) and its erasure can still be called off.
alter table accounts add column delete_after timestamptz;
-- 1 everyone, 2 who follows the account, 3 whom it follows, 4 nobody.
alter table accounts add column comments_from smallint not null default 1;
alter table accounts add column mentions_from smallint not null default 1;
"""

SECURITY_EVENTS = """
create table security_events (
    user_id bigint not null,
    event_id bigint not null default next_id(),
    kind text not null,
    address text not null default '',
    user_agent text not null default '',
    session_id bigint,
    details jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, event_id)
);
"""

# A letter is queued by the transaction that gives reason for it, and its row is deleted once it was handed over:
# variables may hold a single-use token in the clear.
MAIL_QUEUE = """
create table mail_queue (
    user_id bigint not null,
    mail_id bigint not null default next_id(),
    recipient text not null,
    template text not null,
    variables jsonb not null default '{}',
    attempts smallint not null default 0,
    due_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, mail_id)
);
create index mail_queue_due on mail_queue (due_at);
"""


def upgrade() -> None:
    for script in (ACCOUNTS, SECURITY_EVENTS, MAIL_QUEUE):
        op.execute(script)
