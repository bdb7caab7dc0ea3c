"""Followed tags."""

from alembic import op

revision = "0004"
down_revision = "0003"

# `tag` as the graph service folds it. Sorted by its bytes: the order does not change with the system's languages.
TAG_FOLLOWS = """
create table tag_follows (
    user_id bigint not null,
    tag text collate "C" not null,
    id bigint not null,
    primary key (user_id, tag)
);
create index tag_follows_newest on tag_follows (user_id, id desc);
"""


def upgrade() -> None:
    op.execute(TAG_FOLLOWS)
