"""Follow edges, requests, blocks, mutes, close friends, counts, the switch of the relations' cache, and the outbox.

What is looked up from both ends is stored twice, each copy led by the account that asks. Distribution columns: the
first of each primary key. `id` is the id of the change that made the row: it sorts by time and says when that was.
"""

from alembic import op
from kit.migrations import NEXT_ID_V1, OUTBOX_V1

revision = "0001"
down_revision = None

FOLLOWS = """
create table followers_by_followee (
    followee_id bigint not null,
    follower_id bigint not null,
    id bigint not null,
    primary key (followee_id, follower_id)
);
create index followers_by_followee_newest on followers_by_followee (followee_id, id desc) include (follower_id);
create table following_by_follower (
    follower_id bigint not null,
    followee_id bigint not null,
    id bigint not null,
    primary key (follower_id, followee_id)
);
create index following_by_follower_newest on following_by_follower (follower_id, id desc) include (followee_id);
"""

REQUESTS = """
create table requests_by_followee (
    followee_id bigint not null,
    follower_id bigint not null,
    id bigint not null,
    primary key (followee_id, follower_id)
);
create index requests_by_followee_newest on requests_by_followee (followee_id, id desc) include (follower_id);
create table requests_by_follower (
    follower_id bigint not null,
    followee_id bigint not null,
    id bigint not null,
    primary key (follower_id, followee_id)
);
"""

BLOCKS = """
create table blocks_by_blocker (
    blocker_id bigint not null,
    blocked_id bigint not null,
    id bigint not null,
    primary key (blocker_id, blocked_id)
);
create index blocks_by_blocker_newest on blocks_by_blocker (blocker_id, id desc) include (blocked_id);
create table blocks_by_blocked (
    blocked_id bigint not null,
    blocker_id bigint not null,
    id bigint not null,
    primary key (blocked_id, blocker_id)
);
"""

# Only the one who mutes ever asks.
MUTES = """
create table mutes_by_muter (
    muter_id bigint not null,
    muted_id bigint not null,
    id bigint not null,
    primary key (muter_id, muted_id)
);
create index mutes_by_muter_newest on mutes_by_muter (muter_id, id desc) include (muted_id);
"""

CLOSE_FRIENDS = """
create table close_friends_by_owner (
    owner_id bigint not null,
    friend_id bigint not null,
    id bigint not null,
    primary key (owner_id, friend_id)
);
create table close_friends_by_friend (
    friend_id bigint not null,
    owner_id bigint not null,
    id bigint not null,
    primary key (friend_id, owner_id)
);
"""

COUNTS = """
create table account_counts (
    user_id bigint primary key,
    followers bigint not null default 0,
    following bigint not null default 0
);
"""

# One row: which epoch of the cached relations may be believed, or none.
CACHE_SWITCH = """
create table relation_cache_switch (
    id smallint primary key check (id = 1),
    epoch bigint not null,
    believed boolean not null default true
);
insert into relation_cache_switch (id, epoch) values (1, 1);
"""


def upgrade() -> None:
    for script in (NEXT_ID_V1, FOLLOWS, REQUESTS, BLOCKS, MUTES, CLOSE_FRIENDS, COUNTS, CACHE_SWITCH, OUTBOX_V1):
        op.execute(script)
