"""The rows of the matrix: every route of the API."""

import secrets

from support.matrix import (
    ADMINS,
    LISTED,
    MINE,
    OPEN,
    OWNED,
    PROFILE,
    SECRET,
    SHOWN,
    SHOWN_INSIDE,
    Cells,
    Row,
    Things,
    same,
)  # fmt: skip
from support.rest import PASSWORD, join, photo
from support.roles import Form, Role, Upload, World, app_of

WITH_PASSWORD = {"password": PASSWORD}

#                        anon strn foll requ bldd bler ownr susp admn app
# To accept who follows already changes nothing.
ACCEPT = Cells("          401  404  404  404  404  404  +    401  404  403",
               "          401  404  404  .    404  404  +    401  404  403")  # fmt: skip
# Of posts in one's feed alone.
WHY = Cells("             401  404  +    404  404  404  +    401  404  403",
            "             401  404  +    .    404  404  +    401  404  403")  # fmt: skip
ON_OTHERS = same("        401  +    +    +    +    +    422  401  +    403")
MUTE = same("             401  +    +    +    404  +    422  401  +    403")
CLOSE_FRIEND = same("     401  +    +    +    404  422  422  401  +    403")
FOLLOW = same("           401  +    +    +    404  422  422  401  +    403")


async def for_owner_a_post(world: World, role: Role) -> Things:
    return {"post_id": (await world.subject.publish())["id"]} if role is Role.OWNER else {}


async def for_owner_a_comment(world: World, role: Role) -> Things:
    if role is not Role.OWNER:
        return {}
    path = f"/v1/posts/{world.things['post_id']}/comments"
    return {"comment_id": (await world.subject.post(path, {"text": "again"})).raise_for_status().json()["id"]}


async def for_owner_somebody_who_asks(world: World, role: Role) -> Things:
    if role is not Role.OWNER:
        return {}
    newcomer = await join(world.http, "newcomer")
    (await newcomer.put(f"/v1/users/{world.subject.id}/follow")).raise_for_status()
    return {"user_id": newcomer.id}


async def for_owner_a_session(world: World, role: Role) -> Things:
    if role is not Role.OWNER:
        return {}
    await log_in(world)
    sessions = (await world.subject.get("/v1/sessions")).raise_for_status().json()
    return {"session_id": next(item["id"] for item in sessions["items"] if not item["current"])}


async def for_admin_a_newcomer(world: World, role: Role) -> Things:
    """What is done to an account is done to one that nobody needs any more."""
    return {"user_id": (await join(world.http, "newcomer")).id} if role is Role.ADMIN else {}


async def for_admin_somebody_suspended(world: World, role: Role) -> Things:
    things = await for_admin_a_newcomer(world, role)
    if things:
        path = f"/v1/admin/users/{things['user_id']}/suspend"
        (await world.admin.post(path, {"reason": "a test"})).raise_for_status()
    return things


async def for_owner_an_app(world: World, role: Role) -> Things:
    return {"app_id": await app_of(world.subject)} if role is Role.OWNER else {}


async def a_pending_totp(world: World, role: Role) -> Things:
    if role not in (Role.ANONYMOUS, Role.SUSPENDED, Role.APP):
        (await (await world.actor(role)).post("/v1/me/totp", WITH_PASSWORD)).raise_for_status()
    return {}


async def the_name_one_has(world: World, role: Role) -> Things:
    live = role not in (Role.ANONYMOUS, Role.APP)
    return {"own_name": (await world.actor(role)).username if live else "nobody"}


async def a_refresh_token(world: World, role: Role) -> Things:
    return {"refresh_token": (await log_in(world))["refresh_token"]}


async def log_in(world: World) -> dict[str, str]:
    body = {"login": world.subject.username, "password": PASSWORD}
    return (await world.http.post("/v1/sessions", json=body)).raise_for_status().json()


async def a_photo_of_ones_own(world: World, role: Role) -> Things:
    if role in (Role.ANONYMOUS, Role.SUSPENDED, Role.APP):
        return {}
    return {"media_id": await (await world.actor(role)).upload(photo(64, 64, f"#{secrets.token_hex(3)}"))}


def new_account(things: Things) -> dict[str, str]:
    username = f"new_{secrets.token_hex(6)}"
    return {"username": username, "email": f"{username}@example.org", "password": PASSWORD, "name": "New"}


def announced(things: Things) -> dict[str, object]:
    return {"kind": "image", "content_type": "image/jpeg", "bytes": 100, "sha256": secrets.token_hex(32)}


def post_of_a_photo(things: Things) -> dict[str, object]:
    return {"media_ids": [things["media_id"]]}


def an_address(things: Things) -> dict[str, str]:
    return {"email": f"{secrets.token_hex(6)}@example.org"}


def new_address(things: Things) -> dict[str, str]:
    return {**an_address(things), "password": PASSWORD}


LETTER = {"token": "hgm_" + "A" * 60}
TICKET = {"ticket": "hgt_" + "A" * 60}
CREDENTIAL = {"id": "a2V5", "rawId": "a2V5", "type": "public-key", "response": {"clientDataJSON": "e30"}}
REASON = {"reason": "a test"}
ROLE = {"role": "moderator", "reason": "a test"}
APP = {"name": "Lens", "client_type": "public", "redirect_uris": ["https://lens.example.org/cb"]}

ROWS = [
    Row("GET /.well-known/oauth-authorization-server", 200, OPEN),
    Row("GET /oauth/authorize", 400, OPEN),
    Row("POST /oauth/authorize", 403, OPEN, Form({"step": "allow"})),
    # A token says nothing here: the app itself has to say who it is.
    Row("POST /oauth/token", 401, OPEN, Form({"grant_type": "client_credentials"})),
    Row("POST /oauth/revoke", 401, OPEN, Form({"token": "x"})),
    Row("POST /oauth/introspect", 401, OPEN, Form({"token": "x"})),
    Row("GET /account/verify-email", 200, OPEN),
    Row("GET /account/reset-password", 200, OPEN),
    Row("POST /v1/accounts/resend-verification", 202, OPEN, an_address),
    Row("POST /v1/accounts/verify-email", 422, OPEN, LETTER),
    Row("POST /v1/password/forgot", 202, OPEN, an_address),
    Row("POST /v1/password/reset", 422, OPEN, {**LETTER, "password": "staple of another battery"}),
    Row("POST /v1/sessions/second-factor", 401, OPEN, {**TICKET, "code": "123456"}),
    Row("POST /v1/sessions/passkey/options", 201, OPEN),
    Row("POST /v1/sessions/passkey", 401, OPEN, {**TICKET, "assertion": CREDENTIAL}),
    Row("DELETE /v1/sessions", 204, MINE, alters=True),
    Row("POST /v1/me/email", 202, MINE, new_address),
    Row("POST /v1/me/password", 401, MINE, {"current_password": "wrong", "new_password": "staple of another battery"}),
    Row("PUT /v1/me/username", 200, MINE, lambda things: {"username": things["own_name"]}, prepare=the_name_one_has),
    Row("GET /v1/me/security-events", 200, MINE),
    Row("GET /v1/me/factors", 200, MINE),
    # None of them has a factor: there is nothing to challenge, confirm with or take away.
    Row("POST /v1/me/factors/challenge", 404, MINE),
    Row("POST /v1/me/totp", 201, MINE, WITH_PASSWORD),
    Row("POST /v1/me/totp/confirm", 401, MINE, {"code": "000000"}, prepare=a_pending_totp),
    Row("DELETE /v1/me/totp", 404, MINE, WITH_PASSWORD),
    Row("POST /v1/me/recovery-codes", 409, MINE, WITH_PASSWORD),
    Row("GET /v1/me/passkeys", 200, MINE),
    Row("POST /v1/me/passkeys/options", 201, MINE, WITH_PASSWORD),
    Row("POST /v1/me/passkeys", 422, MINE, {**TICKET, "credential": CREDENTIAL}),
    Row("DELETE /v1/me/passkeys/{passkey_id}", 404, MINE, WITH_PASSWORD),
    # Before the next one: nobody has asked for an export yet.
    Row("GET /v1/me/export", 404, MINE),
    Row("POST /v1/me/export", 202, MINE),
    Row("DELETE /v1/me", 401, MINE, {"password": "wrong"}),
    Row("PUT /v1/me/avatar", 200, MINE, photo(64, 64)),
    Row("DELETE /v1/me/avatar", 204, MINE),
    Row("GET /v1/me/close-friends", 200, MINE),
    Row("PUT /v1/me/close-friends/{user_id}", 200, CLOSE_FRIEND),
    Row("DELETE /v1/me/close-friends/{user_id}", 200, ON_OTHERS),
    Row("GET /v1/me/suggestions", 200, MINE),
    Row("DELETE /v1/me/suggestions/{user_id}", 204, MUTE),
    Row("GET /v1/me/apps", 200, MINE),
    Row("DELETE /v1/me/apps/{app_id}", 404, MINE),
    Row("GET /v1/apps", 200, MINE),
    Row("POST /v1/apps", 201, MINE, APP),
    Row("GET /v1/apps/{app_id}", 200, SECRET),
    Row("PATCH /v1/apps/{app_id}", 200, SECRET, {"name": "Lens 2"}),
    Row("POST /v1/apps/{app_id}/secret", 200, SECRET),
    Row("DELETE /v1/apps/{app_id}", 204, SECRET, prepare=for_owner_an_app),
    Row("GET /v1/admin/users", 200, ADMINS, query="?q=subject"),
    Row("GET /v1/admin/users/{user_id}", 200, ADMINS),
    Row("GET /v1/admin/audit", 200, ADMINS),
    Row("POST /v1/admin/users/{user_id}/suspend", 200, ADMINS, REASON, prepare=for_admin_a_newcomer),
    Row("POST /v1/admin/users/{user_id}/restore", 200, ADMINS, REASON, prepare=for_admin_somebody_suspended),
    Row("POST /v1/admin/users/{user_id}/reset-factor", 200, ADMINS, REASON, prepare=for_admin_a_newcomer),
    Row("PUT /v1/admin/users/{user_id}/role", 200, ADMINS, ROLE, prepare=for_admin_a_newcomer),
    Row("GET /.well-known/jwks.json", 200, OPEN),
    Row("GET /docs", 200, OPEN),
    Row("GET /openapi.json", 200, OPEN),
    Row("GET /healthz", 200, OPEN),
    Row("GET /readyz", 200, OPEN),
    Row("GET /media/p/{path}", 200, Cells("404 " * 10, "+ + + . + + + + + +")),
    # Whoever has a signed address may fetch the file; without a signature nobody.
    Row("GET /media/s/{path}", 404, OPEN),
    Row("POST /v1/accounts", 201, OPEN, new_account),
    Row("POST /v1/sessions", 201, OPEN, lambda things: {"login": things["username"], "password": PASSWORD}),
    Row(
        "POST /v1/sessions/refresh", 200, OPEN, lambda things: {"refresh_token": things["refresh_token"]},
        prepare=a_refresh_token,
    ),
    Row("GET /v1/sessions", 200, MINE),
    Row("DELETE /v1/sessions/{session_id}", 204, SECRET, prepare=for_owner_a_session),
    Row("GET /v1/me", 200, MINE),
    Row("PATCH /v1/me", 200, MINE, {"bio": "here"}),
    Row("GET /v1/me/settings", 200, MINE),
    Row("PATCH /v1/me/settings", 200, MINE, {}),
    Row("GET /v1/users", 200, LISTED, query="?ids={user_id}"),
    Row("GET /v1/users/{username}", 200, PROFILE),
    Row("GET /v1/users/{user_id}/posts", 200, SHOWN),
    Row("GET /v1/users/{user_id}/followers", 200, SHOWN_INSIDE),
    Row("GET /v1/users/{user_id}/following", 200, SHOWN_INSIDE),
    Row("PUT /v1/users/{user_id}/follow", 200, FOLLOW, alters=True),
    Row("DELETE /v1/users/{user_id}/follow", 200, ON_OTHERS, alters=True),
    Row("PUT /v1/users/{user_id}/block", 200, ON_OTHERS, alters=True),
    Row("DELETE /v1/users/{user_id}/block", 200, ON_OTHERS, alters=True),
    Row("PUT /v1/users/{user_id}/mute", 200, MUTE, alters=True),
    Row("DELETE /v1/users/{user_id}/mute", 200, ON_OTHERS),
    Row("GET /v1/relationships", 200, MINE, query="?ids={user_id}"),
    Row("GET /v1/me/blocks", 200, MINE),
    Row("GET /v1/me/mutes", 200, MINE),
    Row("GET /v1/me/follow-requests", 200, MINE),
    Row("PUT /v1/me/follow-requests/{user_id}/accept", 200, ACCEPT, prepare=for_owner_somebody_who_asks),
    Row("PUT /v1/me/follow-requests/{user_id}/reject", 200, MINE, prepare=for_owner_somebody_who_asks),
    Row("DELETE /v1/me/followers/{user_id}", 200, MINE, prepare=for_owner_somebody_who_asks),
    Row("POST /v1/media", 201, MINE, announced),
    Row("POST /v1/media/upload", 201, MINE, Upload(photo(64, 64))),
    Row("GET /v1/media/{media_id}", 200, SECRET),
    Row("PATCH /v1/media/{media_id}", 200, SECRET, {"alt_text": "a hill"}),
    Row("POST /v1/media/{media_id}/complete", 202, SECRET),
    Row("POST /v1/posts", 201, MINE, post_of_a_photo, prepare=a_photo_of_ones_own),
    Row("POST /v1/me/feed", 201, MINE, post_of_a_photo, prepare=a_photo_of_ones_own),
    Row("GET /v1/me/feed", 200, MINE),
    Row("POST /v1/me/feed/seen", 200, MINE, lambda things: {"post_ids": [things["post_id"]]}),
    Row("GET /v1/posts/{post_id}", 200, SHOWN),
    Row("GET /v1/posts/{post_id}/why", 200, WHY),
    Row("PATCH /v1/posts/{post_id}", 200, OWNED, {"caption": "hello #matrix, again"}),
    Row("DELETE /v1/posts/{post_id}", 204, OWNED, prepare=for_owner_a_post),
    Row("GET /v1/posts/{post_id}/likes", 200, SHOWN),
    Row("PUT /v1/posts/{post_id}/like", 200, SHOWN_INSIDE),
    Row("DELETE /v1/posts/{post_id}/like", 200, SHOWN_INSIDE),
    Row("GET /v1/posts/{post_id}/comments", 200, SHOWN),
    Row("POST /v1/posts/{post_id}/comments", 201, SHOWN_INSIDE, {"text": "hm"}),
    Row("GET /v1/comments/{comment_id}/replies", 200, SHOWN),
    Row("DELETE /v1/comments/{comment_id}", 204, OWNED, prepare=for_owner_a_comment),
    Row("GET /v1/tags/{tag}/posts", 200, LISTED),
    Row("GET /v1/tags/{tag}", 200, LISTED),
    Row("PUT /v1/tags/{tag}/follow", 200, MINE),
    Row("DELETE /v1/tags/{tag}/follow", 204, MINE),
    Row("GET /v1/me/followed-tags", 200, MINE),
    Row("GET /v1/notifications", 200, MINE),
    Row("POST /v1/notifications/read", 204, MINE, {"up_to": "1"}),
    Row("GET /v1/notifications/unread-count", 200, MINE),
    Row("GET /v1/search", 200, MINE, query="?q=matrix&type=posts"),
]  # fmt: skip
