"""The audit trail of what moderators, administrators and operators do.

Distribution column: user_id, whom the act was about (0: nobody), first in the primary key. A list of everything reads
all shards, which operators alone ask for.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

AUDIT = """
-- Of the actor exactly one is there: actor_id, or operator, the name of an account on the machine of who ran a command.
create table audit (
    user_id bigint not null,
    entry_id bigint not null default next_id(),
    actor_id bigint not null default 0,
    operator text not null default '',
    action text not null,
    reason text not null,
    address text not null default '',
    details jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, entry_id),
    check ((actor_id = 0) <> (operator = ''))
);
create index audit_newest on audit (entry_id);
"""

# An entry is for good, whoever asks: a trigger holds a superuser too. Its owner could drop the trigger, which nothing
# that serves calls does, and which is a change of the schema that can be seen.
APPEND_ONLY = """
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is only ever added to' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function refuse_audit_change();
revoke update, delete, truncate on audit from public, current_user;
"""

# Operators look for accounts by the start of a name or an address.
SEARCH = """
create index accounts_username_start on accounts (username text_pattern_ops);
create index accounts_email_start on accounts (lower(email) text_pattern_ops);
create index accounts_role on accounts (role) where role > 1;
"""


def upgrade() -> None:
    for script in (AUDIT, APPEND_ONLY, SEARCH):
        op.execute(script)
