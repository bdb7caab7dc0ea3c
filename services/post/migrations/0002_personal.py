"""What one account said and did, found without reading everything: for its export and its erasure.

Each index is on a column that is not its table's distribution column: such a query asks every shard, which is fine for
what happens once in an account's life.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

INDEXES = """
create index likes_of_user on likes (user_id, post_id);
create index comments_of_author on comments (author_id, id);
create index comments_to_author on comments (reply_to_author_id) where reply_to_author_id > 0;
create index comments_mentions on comments using gin (mentions jsonb_path_ops) where mentions <> '[]';
create index posts_mentions on posts using gin (mentions jsonb_path_ops) where mentions <> '[]';
"""


def upgrade() -> None:
    op.execute(INDEXES)
