"""What documents hold."""

from search_service.model import PostDocument, Tombstone, UserDocument, fold
from search_service.store.mappings import Json


def user_body(user: UserDocument) -> Json:
    return {"user_id": user.user_id, "username": fold(user.username), "name": fold(user.name), "active": user.active}


def post_body(post: PostDocument, *, audience_public: bool) -> Json:
    place = post.place
    located: Json = {
        "place": fold(place.name),
        "place_key": place.id,
        "place_shown": place.name,
        "latitude": place.latitude,
        "longitude": place.longitude,
    } if place else {}  # fmt: skip
    return {
        "post_id": post.post_id,
        "author_id": post.author_id,
        "title": fold(post.title),
        "caption": fold(post.caption),
        "tags": list(post.tags),
        "audience_public": audience_public,
        "public": post.public,
        "deleted": False,
        "created_at": post.created_at.isoformat(),
        **located,
    }


def tombstone_body(gone: Tombstone) -> Json:
    return {"post_id": gone.post_id, "deleted": True, "public": False, "created_at": gone.deleted_at.isoformat()}
