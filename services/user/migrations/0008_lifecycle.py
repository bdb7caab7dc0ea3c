"""Exports, and erasures: those under way, and what stays of those that are done.

Distribution column: user_id, first in every primary key.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

EXPORTS = """
-- state: 1 waiting, 2 collecting, 3 ready, 4 failed, 5 expired. object_key is chosen before the first byte is written:
-- whoever goes on after a kill writes over what is there. Whoever works on a row has it until claimed_until.
create table exports (
    user_id bigint not null,
    export_id bigint not null default next_id(),
    state smallint not null default 1,
    progress smallint not null default 0,
    attempts smallint not null default 0,
    object_key text not null default '',
    bytes bigint not null default 0,
    requested_at timestamptz not null,
    ready_at timestamptz,
    expires_at timestamptz,
    claimed_until timestamptz,
    primary key (user_id, export_id)
);
create index exports_to_do on exports (requested_at) where state in (1, 2);
create index exports_to_expire on exports (expires_at) where state = 3;
"""

ERASURES = """
-- Written when its deletion is asked for, and stays when nothing else of the account does: an id and times. From
-- begun_at on it can no more be called off. Sweeps follow for some days: they take away what came late.
create table erasures (
    user_id bigint primary key,
    requested_at timestamptz not null,
    begun_at timestamptz,
    erased_at timestamptz,
    sweeps smallint not null default 0,
    due_at timestamptz,
    claimed_until timestamptz
);
create index erasures_due on erasures (due_at) where due_at is not null;
"""


def upgrade() -> None:
    for script in (EXPORTS, ERASURES):
        op.execute(script)
