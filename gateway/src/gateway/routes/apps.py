"""Other people's apps: making them, and looking after those that one lets in."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from heliograph.user.v1 import oauth_pb2 as pb

from gateway.here import HereDep, answer, nothing
from gateway.render import time_of
from gateway.routing import Policy, Routes
from gateway.schemas import apps
from gateway.schemas.requests import Id

routes = Routes("Apps")

_SEE = Policy(scope="account")
_CHANGE = Policy(scope="account", json=True)
_TYPES: Mapping[pb.ClientType.ValueType, apps.ClientTypeName] = {
    pb.CLIENT_TYPE_PUBLIC: "public",
    pb.CLIENT_TYPE_CONFIDENTIAL: "confidential",
}
_NAMED = {name: kind for kind, name in _TYPES.items()}


@routes.add(
    "POST /v1/apps",
    "createApp",
    "Register an app, which then may ask people to let it in",
    apps.NewApp,
    status=201,
    policy=Policy(scope="account", once=True, replayed=False, json=True),
)
async def create(here: HereDep, body: apps.AppRegistration) -> Response:
    wish = pb.App(
        name=body.name,
        website=body.website,
        client_type=_NAMED[body.client_type],
        redirect_uris=body.redirect_uris,
        scopes=body.scopes,
    )
    made = await here.services.oauth.CreateApp(
        pb.CreateAppRequest(
            viewer_id=here.viewer.id,
            app=wish,
            request_id=here.creation_id,
            address=here.address,
            user_agent=here.user_agent,
        )
    )
    shown = apps.NewApp(**_fields(made.app), client_secret=made.client_secret or None)
    return answer(shown, 201, {"Location": f"/v1/apps/{made.app.id}"})


@routes.add("GET /v1/apps", "listApps", "List the apps that one has made, newest first", apps.Apps, policy=_SEE)
async def list_apps(here: HereDep) -> Response:
    found = await here.services.oauth.ListApps(pb.ListAppsRequest(viewer_id=here.viewer.id))
    return answer(apps.Apps([_app(app) for app in found.apps]))


@routes.add("GET /v1/apps/{app_id}", "getApp", "Read an app that one has made", apps.App, policy=_SEE)
async def get_app(here: HereDep, app_id: Id) -> Response:
    found = await here.services.oauth.GetApp(pb.GetAppRequest(viewer_id=here.viewer.id, app_id=app_id))
    return answer(_app(found.app))


@routes.add("PATCH /v1/apps/{app_id}", "updateApp", "Change an app", apps.App, policy=_CHANGE)
async def update_app(here: HereDep, app_id: Id, body: apps.AppChange) -> Response:
    changed = sorted(body.model_fields_set)
    request = pb.UpdateAppRequest(
        viewer_id=here.viewer.id, app_id=app_id, app=pb.App(**{name: getattr(body, name) for name in changed})
    )
    request.update_mask.paths.extend(changed)
    return answer(_app((await here.services.oauth.UpdateApp(request)).app))


@routes.add(
    "DELETE /v1/apps/{app_id}", "deleteApp", "Delete an app, and end all that it was let do", status=204, policy=_SEE
)
async def delete_app(here: HereDep, app_id: Id) -> Response:
    await here.services.oauth.DeleteApp(pb.DeleteAppRequest(viewer_id=here.viewer.id, app_id=app_id))
    return nothing()


@routes.add(
    "POST /v1/apps/{app_id}/secret",
    "renewAppSecret",
    "Give a confidential app another secret; the old one is dead at once",
    apps.AppSecret,
    problems=(409,),
    policy=_SEE,
)
async def renew_secret(here: HereDep, app_id: Id) -> Response:
    request = pb.RenewAppSecretRequest(viewer_id=here.viewer.id, app_id=app_id)
    return answer(apps.AppSecret((await here.services.oauth.RenewAppSecret(request)).client_secret))


@routes.add("GET /v1/me/apps", "listMyApps", "List the apps that one lets in", apps.AuthorizedApps, policy=_SEE)
async def list_authorized(here: HereDep) -> Response:
    request = pb.ListAuthorizedAppsRequest(viewer_id=here.viewer.id)
    found = await here.services.oauth.ListAuthorizedApps(request)
    return answer(apps.AuthorizedApps([_authorized(app) for app in found.apps]))


@routes.add(
    "DELETE /v1/me/apps/{app_id}", "removeMyApp", "Let an app in no more; its tokens are dead", status=204, policy=_SEE
)
async def remove_authorized(here: HereDep, app_id: Id) -> Response:
    await here.services.oauth.RemoveAuthorizedApp(
        pb.RemoveAuthorizedAppRequest(
            viewer_id=here.viewer.id, app_id=app_id, address=here.address, user_agent=here.user_agent
        )
    )
    return nothing()


def _app(app: pb.App) -> apps.App:
    return apps.App(**_fields(app))


def _fields(app: pb.App) -> dict[str, Any]:
    return {
        "id": str(app.id),
        "client_id": app.client_id,
        "name": app.name,
        "website": app.website,
        "client_type": _TYPES[app.client_type],
        "redirect_uris": list(app.redirect_uris),
        "scopes": list(app.scopes),
        "created_at": time_of(app.created_at),
    }


def _authorized(app: pb.AuthorizedApp) -> apps.AuthorizedApp:
    return apps.AuthorizedApp(
        id=str(app.id),
        name=app.name,
        website=app.website,
        scopes=list(app.scopes),
        authorized_at=time_of(app.authorized_at),
        last_used_at=time_of(app.last_used_at),
    )
