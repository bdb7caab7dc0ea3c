"""What clients see: the fields of our own answers."""

from pydantic import BaseModel

from bench.textbook import textbook_pb2 as pb


class User(BaseModel):
    id: str
    username: str
    name: str
    avatar_url: str | None = None
    avatar: None = None
    private_account: bool


class FocalPoint(BaseModel):
    x: float = 0.5
    y: float = 0.5


class Variant(BaseModel):
    name: str
    url: str
    width: int
    height: int
    bytes: int
    content_type: str


class Medium(BaseModel):
    id: str
    kind: str
    state: str
    reason: str | None = None
    blurhash: str | None
    alt_text: str
    focal_point: FocalPoint
    width: int
    height: int
    variants: list[Variant]
    created_at: str


class Location(BaseModel):
    name: str
    lat: float
    lon: float


class Counts(BaseModel):
    likes: int
    comments: int


class Viewer(BaseModel):
    liked: bool
    saved: bool = False


class Mention(BaseModel):
    id: str
    username: str


class Post(BaseModel):
    id: str
    author: User
    title: str
    caption: str
    media: list[Medium]
    location: Location | None
    tags: list[str]
    audience: str
    comments_off: bool
    published: bool = True
    created_at: str
    edited_at: str | None = None
    mentions: list[Mention] = []
    counts: Counts
    viewer: Viewer


class Feed(BaseModel):
    items: list[Post]
    next: str | None
    degraded: bool = False


def user(found: pb.User) -> User:
    return User(id=str(found.id), username=found.username, name=found.name, private_account=found.private_account)


def post(found: pb.Post, author: pb.User) -> Post:
    place = found.location if found.HasField("location") else None
    return Post(
        id=str(found.id),
        author=user(author),
        title=found.title,
        caption=found.caption,
        media=[_medium(medium) for medium in found.media],
        location=Location(name=place.name, lat=place.lat, lon=place.lon) if place else None,
        tags=list(found.tags),
        audience=found.audience,
        comments_off=found.comments_off,
        created_at=found.created_at,
        counts=Counts(likes=found.likes, comments=found.comments),
        viewer=Viewer(liked=found.liked),
    )


def _medium(found: pb.Medium) -> Medium:
    return Medium(
        id=str(found.id),
        kind=found.kind,
        state=found.state,
        blurhash=found.blurhash,
        alt_text=found.alt_text,
        focal_point=FocalPoint(),
        width=found.width,
        height=found.height,
        variants=[_variant(variant) for variant in found.variants],
        created_at=found.created_at,
    )


def _variant(found: pb.Variant) -> Variant:
    return Variant(
        name=found.name,
        url=found.url,
        width=found.width,
        height=found.height,
        bytes=found.bytes,
        content_type=found.content_type,
    )
