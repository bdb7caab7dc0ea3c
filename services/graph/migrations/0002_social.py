"""Mutes that end, close friends in pages, accounts that are not active, and suggestions not wanted any more."""

from alembic import op

revision = "0002"
down_revision = "0001"

MUTES = """
alter table mutes_by_muter add column until timestamptz;
create index mutes_by_muter_until on mutes_by_muter (until) where until is not null;
"""

CLOSE_FRIENDS = """
create index close_friends_by_owner_newest on close_friends_by_owner (owner_id, id desc);
"""

# Who looks for one account among all that somebody blocks or mutes has to get there by the primary key. With the
# account in it, this index looks as cheap to Postgres, and then all of them are read.
NEWEST = """
drop index blocks_by_blocker_newest;
create index blocks_by_blocker_newest on blocks_by_blocker (blocker_id, id desc);
drop index mutes_by_muter_newest;
create index mutes_by_muter_newest on mutes_by_muter (muter_id, id desc);
"""

# One row for each account that ever was not active; `version` is the account's, so that old news change nothing.
HIDDEN_ACCOUNTS = """
create table hidden_accounts (
    user_id bigint primary key,
    hidden boolean not null,
    version bigint not null
);
"""

DISMISSED_SUGGESTIONS = """
create table dismissed_suggestions (
    viewer_id bigint not null,
    dismissed_id bigint not null,
    at timestamptz not null default clock_timestamp(),
    primary key (viewer_id, dismissed_id)
);
"""


def upgrade() -> None:
    for script in (MUTES, CLOSE_FRIENDS, NEWEST, HIDDEN_ACCOUNTS, DISMISSED_SUGGESTIONS):
        op.execute(script)
