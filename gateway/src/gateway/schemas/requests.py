"""Bodies and parameters that clients send. Shapes are checked here, rules by the service that owns the data."""

import re
from typing import Annotated, Any, Literal

from kit import ids
from kit.errors import InvalidArgument
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100
MOST_IDS = 100


def _read_id(value: object) -> int:
    if isinstance(value, str):
        try:
            return ids.parse(value)
        except InvalidArgument:
            pass
    raise ValueError("not an id")


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair") from None
    return value


def _read_limit(value: object) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", str(value)) or int(str(value)) < 1:
        raise ValueError("a whole number from 1")
    return min(int(str(value)), LARGEST_LIMIT)


_ID_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,18}$", "examples": ["116045278314958848"]})
_LIMIT_SCHEMA = WithJsonSchema({"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT})

Id = Annotated[int, BeforeValidator(_read_id), _ID_SCHEMA]
Text = Annotated[str, AfterValidator(_storable)]
Limit = Annotated[int, BeforeValidator(_read_limit), _LIMIT_SCHEMA]
Int64 = Annotated[int, Field(ge=0, lt=1 << 63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
AudienceName = Literal["public", "followers", "close_friends"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Registration(Body):
    model_config = _example(username="ada", email="ada@example.org", password="correct horse battery", name="Ada")  # noqa: S106 an example

    username: Text
    email: Text
    password: Text
    name: Text = ""


class ProfileChange(Body):
    model_config = _example(name="Ada L.", bio="Light, mostly.")

    name: Text = ""
    bio: Text = ""
    website: Text = ""
    location: Text = ""
    pronouns: Text = ""


class MediaAnnouncement(Body):
    """`bytes` and `sha256` (lower-case hex) of the file that will be sent."""

    model_config = _example(
        kind="image",
        content_type="image/jpeg",
        bytes=4_211_332,
        sha256="9f86d081884c7d65" * 4,
        alt_text="A hill at dusk",
    )

    kind: Literal["image", "video"]
    content_type: Text
    bytes: Int64
    sha256: Text
    alt_text: Text = ""


class UploadFields(Body):
    """What stands beside the file; `kind` follows from the file's content type where it is left out."""

    kind: Literal["image", "video"] | None = None
    alt_text: Text = ""


class FocalPoint(Body):
    x: Annotated[Finite, Field(ge=0, le=1)]
    y: Annotated[Finite, Field(ge=0, le=1)]


class MediaChange(Body):
    model_config = _example(alt_text="A hill at dusk", focal_point={"x": 0.5, "y": 0.3})

    alt_text: Text = ""
    focal_point: FocalPoint = FocalPoint(x=0.5, y=0.5)


class Location(Body):
    name: Text
    lat: Annotated[Finite, Field(ge=-90, le=90)]
    lon: Annotated[Finite, Field(ge=-180, le=180)]


class NewPost(Body):
    model_config = _example(
        media_ids=["116045278314958848"],
        title="Evening",
        caption="The sun went down. #dusk",
        location={"name": "Teufelsberg", "lat": 52.497, "lon": 13.241},
        audience="public",
    )

    media_ids: Annotated[list[Id], Field(min_length=1, max_length=20)]
    title: Text = ""
    caption: Text = ""
    location: Location | None = None
    audience: AudienceName = "public"
    comments_off: bool = False


class PostChange(Body):
    """What is not there stays; `location: null` removes it."""

    model_config = _example(caption="The sun went down at last. #dusk")

    title: Text = ""
    caption: Text = ""
    location: Location | None = None
    audience: AudienceName = "public"
    comments_off: bool = False


class NewComment(Body):
    model_config = _example(text="What a light!")

    text: Text
    reply_to: Id | None = None


class ReadMark(Body):
    model_config = _example(up_to="116045278314958848")

    up_to: Id
