"""What is stored by one end only, found from the other; and accounts that are gone for good.

`erased_accounts` holds nothing but ids: what is told late of such an account brings nothing back.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

ERASURE = """
create index mutes_by_muter_muted on mutes_by_muter (muted_id);
create index dismissed_suggestions_of on dismissed_suggestions (dismissed_id);
create table erased_accounts (
    user_id bigint primary key,
    erased_at timestamptz not null default clock_timestamp()
);
"""


def upgrade() -> None:
    op.execute(ERASURE)
