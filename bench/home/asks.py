"""The requests of the phases, and what their answers have to be."""

import secrets
from collections.abc import Sequence

from bench.home.fill import spare_medium
from bench.home.shape import account_id
from bench.home.system import System
from bench.load.plan import Ask, request

PAGE = 20
_ITEM = '"comments_off":'  # once in each post; what people write cannot hold it, its quotes being escaped


def home(system: System, path: str = "/v1/me/feed") -> Sequence[Ask]:
    """The first page of each viewer, while nobody posts."""
    found: list[Ask] = []
    for viewer in system.social.viewers:
        ids = [str(entry.post_id) for entry in system.social.home(viewer, PAGE)]
        text = request("GET", f"{path}?limit={PAGE}", system.token(viewer))
        found.append(Ask(text, mark=_ITEM, marks=len(ids), ids=ids))
    return found


def moving_home(asks: Sequence[Ask]) -> Sequence[Ask]:
    """The same while somebody posts: full, and newest first."""
    return [Ask(ask.text, mark=ask.mark, marks=ask.marks) for ask in asks]


def profile(system: System) -> Sequence[Ask]:
    """The posts of an account that the viewer follows: of the best known one, and of the least known one in turn."""
    social, found = system.social, list[Ask]()
    for number, viewer in enumerate(social.viewers):
        author = social.following[viewer][-(number % 2)]
        ids = [str(entry.post_id) for entry in reversed(social.of_author(author)[-PAGE:])]
        text = request("GET", f"/v1/users/{account_id(author)}/posts?limit={PAGE}", system.token(viewer))
        found.append(Ask(text, mark=_ITEM, marks=len(ids), ids=ids))
    return found


def compose(system: System, first: int, last: int) -> Sequence[Ask]:
    """Posts of the composers, one after another's turn: the `first` to `last` of each."""
    social = system.social
    tokens = {author: system.token(author) for author in social.composers}
    return [
        Ask(_post(tokens[author], spare_medium(social.shape, author, at)), status=201)
        for at in range(first, min(last, social.shape.spare_media))
        for author in social.composers
    ]


def new_post(medium: int) -> dict[str, object]:
    return {"media_ids": [str(medium)], "caption": f"Just now {secrets.token_hex(3)}. #bench"}


def _post(token: str, medium: int) -> str:
    return request("POST", "/v1/posts", token, new_post(medium))
