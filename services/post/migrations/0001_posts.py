"""Media, posts, likes, comments, their counts, and the outbox.

Distribution columns: author_id (authors, media, posts, post_tags), post_id (likes, comments, post_counts), comment_id.
"""

from alembic import op
from kit.migrations import NEXT_ID_V1, OUTBOX_V1

revision = "0001"
down_revision = None

AUTHORS = """
-- One row an author: whoever changes posts or media of an author locks it first, and it counts their live posts.
create table authors (
    author_id bigint primary key,
    posts bigint not null default 0
);
"""

MEDIA = """
create table media (
    author_id bigint not null,
    id bigint not null default next_id(),
    request_id text not null,
    kind smallint not null,
    content_type text not null,
    bytes bigint not null,
    sha256 text not null,
    alt_text text not null,
    focal_x double precision not null default 0.5,
    focal_y double precision not null default 0.5,
    state smallint not null,
    reason text not null default '',
    blurhash text not null default '',
    width integer not null default 0,
    height integer not null default 0,
    place text not null default '',
    next_place text not null default '',
    old_place text not null default '',
    variants jsonb not null default '[]',
    post_id bigint not null default 0,
    position smallint not null default 0,
    attempts smallint not null default 0,
    created_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp(),
    primary key (author_id, id),
    unique (author_id, request_id)
);
create index media_of_post on media (author_id, post_id, position) where post_id > 0;
create index media_of_content on media (author_id, sha256);
create index media_in_work on media (changed_at) where state in (1, 2, 3, 4) or old_place <> '' or next_place <> '';
create table originals (
    author_id bigint not null,
    sha256 text not null,
    bytes bigint not null,
    primary key (author_id, sha256)
);
"""

POSTS = """
create table posts (
    author_id bigint not null,
    id bigint not null default next_id(),
    request_id text not null,
    request_hash bytea not null,
    title text not null,
    caption text not null,
    tags text[] not null,
    mentions jsonb not null,
    location_name text,
    latitude double precision,
    longitude double precision,
    audience smallint not null,
    comments_off boolean not null,
    state smallint not null,
    version bigint not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    edited_at timestamptz,
    published_at timestamptz,
    deleted_at timestamptz,
    primary key (author_id, id),
    unique (author_id, request_id)
);
create index posts_by_id on posts (id);
create table post_tags (
    author_id bigint not null,
    tag text not null,
    post_id bigint not null,
    primary key (author_id, post_id, tag)
);
create index post_tags_newest on post_tags (tag, post_id desc);
"""

ENGAGEMENT = """
create table likes (
    post_id bigint not null,
    user_id bigint not null,
    id bigint not null default next_id(),
    created_at timestamptz not null default clock_timestamp(),
    primary key (post_id, user_id)
);
create index likes_newest on likes (post_id, id desc) include (user_id);
create table comments (
    post_id bigint not null,
    id bigint not null default next_id(),
    request_id text not null,
    request_hash bytea not null,
    post_author_id bigint not null,
    author_id bigint not null,
    text text not null,
    reply_to bigint not null,
    reply_to_author_id bigint not null,
    mentions jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    primary key (post_id, id),
    unique (post_id, author_id, request_id)
);
create index comments_by_id on comments (id);
create index comments_live on comments (post_id, reply_to, id) where deleted_at is null;
"""

COUNTS = """
create table post_counts (
    post_id bigint primary key,
    likes bigint not null default 0,
    comments bigint not null default 0
);
create table comment_counts (
    comment_id bigint primary key,
    likes bigint not null default 0,
    replies bigint not null default 0
);
"""


def upgrade() -> None:
    for script in (NEXT_ID_V1, AUTHORS, MEDIA, POSTS, ENGAGEMENT, COUNTS, OUTBOX_V1):
        op.execute(script)
