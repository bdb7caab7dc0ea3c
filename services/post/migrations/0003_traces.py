"""A post that waits for its media keeps the trace context of its own request, in which its publication goes on."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("alter table posts add column traceparent text")
