"""Examples of answers for the OpenAPI document."""

from typing import Any

from gateway.schemas.apps import APP_EXAMPLES
from gateway.schemas.factors import FACTOR_EXAMPLES
from gateway.schemas.oauth import OAUTH_EXAMPLES
from gateway.schemas.ranking import RANKING_EXAMPLES
from gateway.schemas.sign_in import SIGN_IN_EXAMPLES

_TIME = "2026-06-21T19:30:00.000Z"
_AVATAR = {
    "size": 320,
    "webp": "https://media.example.org/media/p/b1946ac92492d2347c6235b4d2611184/320.webp",
    "jpeg": "https://media.example.org/media/p/b1946ac92492d2347c6235b4d2611184/320.jpg",
}
_USER = {
    "id": "116045278314958848",
    "username": "ada",
    "name": "Ada",
    "avatar_url": "https://media.example.org/media/p/b1946ac92492d2347c6235b4d2611184/320.jpg",
    "avatar": {"variants": [_AVATAR]},
    "private_account": False,
}
_PROFILE = {
    **_USER,
    "bio": "Light, mostly.",
    "website": "https://ada.example.org",
    "location": "Berlin",
    "pronouns": "she/her",
    "counts": {"posts": 12, "followers": 340, "following": 85},
    "created_at": _TIME,
}
_VARIANT = {
    "name": "1080.webp",
    "url": "https://media.example.org/media/p/9xYt3Kq0aXb1cD2e/1080.webp",
    "width": 810,
    "height": 1080,
    "bytes": 182_344,
    "content_type": "image/webp",
}
_MEDIA = {
    "id": "116045278314958849",
    "kind": "image",
    "state": "ready",
    "reason": None,
    "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
    "alt_text": "A hill at dusk",
    "focal_point": {"x": 0.5, "y": 0.3},
    "width": 3024,
    "height": 4032,
    "variants": [_VARIANT],
    "created_at": _TIME,
}
_POST: dict[str, Any] = {
    "id": "116045278314958850",
    "author": _USER,
    "title": "Evening",
    "caption": "The sun went down. #dusk",
    "media": [_MEDIA],
    "location": {"name": "Teufelsberg", "lat": 52.497, "lon": 13.241},
    "tags": ["dusk"],
    "mentions": [],
    "counts": {"likes": 3, "comments": 1},
    "viewer": {"liked": True, "saved": False},
    "audience": "public",
    "comments_off": False,
    "published": True,
    "created_at": _TIME,
    "edited_at": None,
}
_COMMENT: dict[str, Any] = {
    "id": "116045278314958851",
    "post_id": "116045278314958850",
    "author": _USER,
    "text": "What a light!",
    "reply_to": None,
    "counts": {"likes": 0, "replies": 0},
    "mentions": [],
    "created_at": _TIME,
}
_NOTIFICATION = {
    "id": "116045278314958852",
    "kind": "like",
    "actors": [_USER],
    "others": 12,
    "post": _POST,
    "comment": None,
    "created_at": _TIME,
    "read": False,
}
_DEVICE_TOKEN = "hgd_Zm9yIGV4YW1wbGU"  # noqa: S105 an example
_TOKENS = {
    "access_token": "eyJhbGciOiJFZERTQSJ9.e30.c2ln",  # nosec B105 an example
    "refresh_token": "rt_3q2-7w",
    "token_type": "Bearer",
    "expires_in": 900,
}
_RELATIONSHIP = {
    "id": "116045278314958848",
    "following": True,
    "requested": False,
    "followed_by": False,
    "blocking": False,
    "muting": True,
    "muted_until": _TIME,
    "close_friend": False,
}
_SUGGESTION = {
    "user": {**_USER, "id": "116045278314958856", "username": "ben", "name": "Ben"},
    "mutual": [_USER],
    "mutual_count": 4,
}
_SESSION = {
    "id": "116045278314958853",
    "device_name": "Ada's phone",
    "user_agent": "Heliograph/1.0 (Android 15)",
    "address": "203.0.113.7",
    "created_at": _TIME,
    "last_used_at": _TIME,
    "current": True,
}
_SECURITY_EVENT = {
    "id": "116045278314958860",
    "kind": "logged_in",
    "address": "203.0.113.7",
    "user_agent": "Heliograph/1.0 (Android 15)",
    "session_id": "116045278314958853",
    "details": {"attempts": "1"},
    "created_at": _TIME,
}
_PUBLIC_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "use": "sig",
    "alg": "EdDSA",
}
_ADMIN_USER = {
    **_USER,
    "email": "ada@example.org",
    "email_verified": True,
    "role": "member",
    "state": "suspended",
    "second_factor": False,
    "sessions": 0,
    "created_at": _TIME,
    "delete_after": None,
}
_AUDIT_ENTRY: dict[str, Any] = {
    "id": "116045278314958854",
    "actor": "account:116045278314958855",
    "action": "user.suspend",
    "user_id": "116045278314958848",
    "reason": "Sells followers, ticket 4711",
    "address": "203.0.113.7",
    "details": {},
    "created_at": _TIME,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    **APP_EXAMPLES,
    **FACTOR_EXAMPLES,
    **OAUTH_EXAMPLES,
    **RANKING_EXAMPLES,
    **SIGN_IN_EXAMPLES,
    "Account": {**_PROFILE, "email": "ada@example.org", "email_verified": False},
    "AdminUser": _ADMIN_USER,
    "AdminUsers": {"items": [_ADMIN_USER], "next": None},
    "AuditEntries": {"items": [_AUDIT_ENTRY], "next": None},
    "AuditEntry": _AUDIT_ENTRY,
    "Comment": _COMMENT,
    "Comments": {"items": [_COMMENT], "next": None},
    "Deletion": {"delete_after": _TIME},
    "Export": {
        "id": "116045278314958857",
        "state": "ready",
        "progress": 100,
        "requested_at": _TIME,
        "ready_at": _TIME,
        "expires_at": _TIME,
        "bytes": 48_203_119,
        "link": "https://storage.example.org/heliograph/exports/9xYt3Kq0/heliograph-export.zip?X-Amz-Signature=8b2f",
        "link_expires_at": _TIME,
    },
    "Feed": {"items": [_POST], "next": "AWFmdGVy", "degraded": False},
    "Health": {"status": "ok"},
    "Jwks": {"keys": [_PUBLIC_KEY]},
    "Liked": {"counts": _POST["counts"], "viewer": _POST["viewer"]},
    "LoggedIn": {**_TOKENS, "user": _USER, "device_token": _DEVICE_TOKEN},
    "Media": _MEDIA,
    "NewMedia": {
        **_MEDIA,
        "state": "waiting",
        "blurhash": None,
        "variants": [],
        "upload": {
            "method": "PUT",
            "url": "https://storage.example.org/heliograph-media/uploads/116045278314958849?X-Amz-Signature=0f",
            "headers": {"Content-Type": "image/jpeg"},
            "fields": {},
            "expires_at": _TIME,
        },
    },
    "FollowedTag": {"name": "dusk"},
    "FollowedTags": {"items": [{"name": "dusk"}], "next": None},
    "Notification": _NOTIFICATION,
    "Notifications": {"items": [_NOTIFICATION], "next": None},
    "Post": _POST,
    "Posts": {"items": [_POST], "next": None},
    "Problem": {
        "type": "/problems/invalid-field",
        "title": "Invalid field",
        "status": 422,
        "detail": "some fields are not as they should be",
        "instance": "/v1/posts",
        "reason": "INVALID_FIELD",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "errors": [{"pointer": "/media_ids/0", "reason": "not an id"}],
    },
    "Profile": _PROFILE,
    "Profiles": {"items": [_PROFILE], "next": None},
    "Relationship": _RELATIONSHIP,
    "Relationships": {"items": [_RELATIONSHIP], "next": None},
    "Results": {"items": [{"type": "user", "user": _USER}], "next": None},
    "SecurityEvents": {"items": [_SECURITY_EVENT], "next": None},
    "Sessions": {"items": [_SESSION], "next": None},
    "Settings": {
        "private_account": False,
        "discoverable": True,
        "comments_from": "everyone",
        "mentions_from": "followers",
        "messages_from": "everyone",
        "notifications": {
            "like": "following",
            "comment": "everyone",
            "reply": "everyone",
            "mention": "everyone",
            "follow": "everyone",
            "follow_request": "everyone",
        },
    },
    "Suggestion": _SUGGESTION,
    "Suggestions": {"items": [_SUGGESTION], "next": None},
    "TagPage": {"name": "dusk", "posts": 120, "following": True},
    "UnreadCount": {"count": 3},
    "User": _USER,
    "Users": {"items": [_USER], "next": None},
}
