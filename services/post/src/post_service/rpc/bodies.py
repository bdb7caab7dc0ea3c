"""Posts and authors as the JSON that clients see, made by the renderer that the gateway answers with."""

from collections import OrderedDict

from heliograph.post.v1 import fragments_pb2 as pb
from rendering import fragments
from rendering.media_urls import MediaUrls
from rendering.render import Renderer

from post_service.model.media import is_public
from post_service.model.pieces import Piece, piece_of
from post_service.model.posts import Post
from post_service.model.visibility import Profile
from post_service.rpc.messages import body_message, location_message, profile_message

_AUTHORS_MAX = 10_000


class Bodies:
    def __init__(self, urls: MediaUrls) -> None:
        self._urls = urls
        self._renderer = Renderer(urls)
        self._authors: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    @property
    def half_hour(self) -> int:
        """Addresses that were made in an earlier one are to be made anew."""
        return self._urls.half_hour

    def press(self, post: Post) -> Piece:
        half_hour = self.half_hour  # before: addresses that are newer than they are said to be do no harm
        content, body = post.content, fragments.body(self._renderer, body_message(post))
        message = pb.Fragment(post_id=post.id, author_id=post.author_id, body=body)
        features = pb.Features(tags=content.tags, location=location_message(content.location))
        return piece_of(
            post, half_hour, message.SerializeToString(), pb.Fragment(features=features).SerializeToString()
        )

    def author(self, profile: Profile) -> bytes:
        """Remembered by all that shows in it, so that it can be no older than the profile."""
        picture = profile.avatar_key
        half_hour = 0 if is_public(picture) or not picture else self.half_hour
        key = (profile.id, profile.username, profile.name, picture, profile.private_account, half_hour)
        known = self._authors.get(key)
        if known is None:
            known = self._authors[key] = fragments.author(self._renderer, profile_message(profile))
            if len(self._authors) > _AUTHORS_MAX:
                self._authors.popitem(last=False)
        return known
