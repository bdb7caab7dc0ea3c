"""A table, ids and the outbox."""

from alembic import op
from kit.migrations import NEXT_ID_V1, OUTBOX_V1

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(NEXT_ID_V1)
    op.execute(OUTBOX_V1)
    op.execute("create table things (id bigint primary key default next_id(), name text not null default 'a;b');")
