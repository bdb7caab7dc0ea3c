"""What accounts wish, and where the files of avatars are.

Distribution column: user_id, first in every primary key.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

ACCOUNTS = """
-- Left out of search and suggestions.
alter table accounts add column unlisted boolean not null default false;
"""

SETTINGS = """
-- What an account wishes that its profile does not tell others. An account without a row wishes nothing in particular.
-- messages_from: as accounts.comments_from. notifications: kind to 2 (of whom the account follows) or 3 (of nobody);
-- what is not there is 1, of everybody.
create table settings (
    user_id bigint primary key,
    messages_from smallint not null default 1,
    notifications jsonb not null default '{}',
    version bigint not null,
    changed_at timestamptz not null default clock_timestamp()
);
"""

AVATARS = """
-- Every folder in storage that holds, held or may come to hold an avatar: noted before its first file is written, and
-- forgotten after its last one is gone.
create table avatar_places (
    user_id bigint not null,
    place text not null,
    upload_key text not null,
    noted_at timestamptz not null default clock_timestamp(),
    primary key (user_id, place),
    unique (user_id, upload_key)
);
create index avatar_places_noted on avatar_places (noted_at);
"""


def upgrade() -> None:
    for script in (ACCOUNTS, SETTINGS, AVATARS):
        op.execute(script)
