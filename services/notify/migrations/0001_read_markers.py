"""How far each account has read its notifications.

Distribution column: user_id.
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE read_markers (
            user_id bigint PRIMARY KEY,
            up_to_id bigint NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
