"""An index made beside writers."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("create index concurrently things_by_name on things (name)")
    op.execute("insert into things (name) values ('first'); insert into things (name) values ('second');")
