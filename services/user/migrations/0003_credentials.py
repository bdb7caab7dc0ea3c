"""Names and addresses that are held for somebody, and the tokens of letters.

Reservations are keyed by what they keep unique, all else by user_id, as in 0001.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

USERNAMES = """
-- Null while it is the account's name. After a change the former name leads to the account, and nobody else gets it,
-- until then; from then on it is free, though its row stays until somebody takes it.
alter table usernames add column held_until timestamptz;

-- What a username looks like: no two accounts have names that the eye takes for each other. held_until as above.
create table username_looks (
    look text primary key,
    user_id bigint not null,
    held_until timestamptz
);
insert into username_looks (look, user_id)
select replace(replace(translate(username, '01', 'ol'), 'rn', 'm'), 'vv', 'w'), user_id from usernames
on conflict do nothing;

create table former_usernames (
    user_id bigint not null,
    change_id bigint not null default next_id(),
    username text not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (user_id, change_id)
);
"""

EMAILS = """
-- An address belongs to the account that first named it until another one proves that it is theirs.
alter table emails add column verified boolean not null default false;
update emails set verified = true from accounts where accounts.user_id = emails.user_id and accounts.email_verified;

-- The account that last named an address which belongs to another one. It exists like any other, and nobody but the
-- address's owner learns of this.
create table unclaimed_emails (
    email_key text primary key,
    user_id bigint not null
);
"""

# One good token for each purpose: asking again replaces it. 1 the address of the account, 2 its new address, 3 a new
# password. Only SHA-256 is kept.
LETTER_TOKENS = """
create table letter_tokens (
    user_id bigint not null,
    purpose smallint not null,
    token_hash bytea not null,
    email text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, purpose)
);
"""

# What people ask for who may not learn whether an account exists: a row is written whatever they name, and a worker
# finds out later. kind: 1 confirm an address, 2 change it, 3 forgotten password; user_id is 0 when only an address is
# known.
LETTER_REQUESTS = """
create table letter_requests (
    request_id bigint primary key default next_id(),
    kind smallint not null,
    user_id bigint not null default 0,
    email text not null,
    address text not null default '',
    user_agent text not null default '',
    attempts smallint not null default 0,
    due_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp()
);
create index letter_requests_due on letter_requests (due_at);
"""


def upgrade() -> None:
    for script in (USERNAMES, EMAILS, LETTER_TOKENS, LETTER_REQUESTS):
        op.execute(script)
