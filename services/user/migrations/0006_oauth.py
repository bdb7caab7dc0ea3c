"""Other people's apps: what they are, the codes they trade for tokens, and the browsers in which people decide.

apps are few, and every log-in by one reads its row by its id alone: in a distributed Postgres a reference table, there
on every node. All else has the distribution column user_id, first in every primary key. What an app was given is a row
of sessions, so that whatever ends sessions ends it too.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

APPS = """
-- client_type: 1 public, 2 confidential. secret_id names the secret in tokens that the app got for itself: a revocation
-- of that id ends them. request_id: whoever repeats the request that made the app finds it by that.
create table apps (
    app_id bigint primary key default next_id(),
    owner_id bigint not null,
    name text not null,
    website text not null default '',
    client_type smallint not null,
    redirect_uris text[] not null,
    scopes text[] not null,
    secret_id bigint,
    secret_hash bytea,
    request_id text not null,
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp()
);
create index apps_owner on apps (owner_id, app_id);
create index sessions_app on sessions (app_id) where app_id is not null;
"""

CODES = """
-- Only the hash. used_at: traded, or spoilt by a wrong attempt; session_id is what it gave. login_id: the session of
-- the browser in which it was allowed.
create table authorization_codes (
    user_id bigint not null,
    code_id bigint not null default next_id(),
    secret_hash bytea not null,
    app_id bigint not null,
    login_id bigint not null,
    redirect_uri text not null,
    scopes text[] not null,
    challenge text not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    session_id bigint,
    primary key (user_id, code_id)
);
create index authorization_codes_expiry on authorization_codes (expires_at);
"""

BROWSERS = """
-- A log-in on our own pages: it lives as long as its session does, and no longer than expires_at.
create table browser_logins (
    user_id bigint not null,
    session_id bigint not null,
    secret_hash bytea not null,
    expires_at timestamptz not null,
    primary key (user_id, session_id)
);
create index browser_logins_expiry on browser_logins (expires_at);
"""


def upgrade() -> None:
    for script in (APPS, CODES, BROWSERS):
        op.execute(script)
