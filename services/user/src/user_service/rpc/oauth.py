"""OAuthService of protos/heliograph/user/v1."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from heliograph.user.v1 import oauth_pb2 as pb
from heliograph.user.v1 import oauth_pb2_grpc
from kit.proto import timestamp
from kit.server import Context

from user_service.model import oauth_errors
from user_service.model.apps import App, wished
from user_service.model.oauth import BROWSER_LIFETIME, Answer, AuthorizedApp, Parameters
from user_service.model.security import Device
from user_service.service.oauth.apps import Apps
from user_service.service.oauth.authorizing import Authorizing
from user_service.service.oauth.browsers import Browsers
from user_service.service.oauth.ending import Ending
from user_service.service.oauth.granting import Granting
from user_service.service.sign_in import Challenge, Proof
from user_service.store.accounts import AccountStore

_BROWSER_SECONDS = int(BROWSER_LIFETIME.total_seconds())
_LISTS = {"redirect_uris", "scopes"}
_EDITABLE = {"name", "website", *_LISTS}


class OAuthRpc(oauth_pb2_grpc.OAuthServiceServicer):
    def __init__(
        self,
        apps: Apps,
        authorizing: Authorizing,
        browsers: Browsers,
        granting: Granting,
        ending: Ending,
        accounts: AccountStore,
    ) -> None:
        self._apps, self._authorizing, self._browsers = apps, authorizing, browsers
        self._granting, self._ending, self._accounts = granting, ending, accounts

    async def CreateApp(self, request: pb.CreateAppRequest, context: Context) -> pb.CreateAppResponse:
        asked = request.app
        wish = wished(asked.name, asked.website, asked.client_type, asked.redirect_uris, asked.scopes)
        app, secret = await self._apps.create(request.viewer_id, wish, request.request_id, _device(request))
        return pb.CreateAppResponse(app=_app(app), client_secret=secret)

    async def ListApps(self, request: pb.ListAppsRequest, context: Context) -> pb.ListAppsResponse:
        return pb.ListAppsResponse(apps=map(_app, await self._apps.list(request.viewer_id)))

    async def GetApp(self, request: pb.GetAppRequest, context: Context) -> pb.GetAppResponse:
        return pb.GetAppResponse(app=_app(await self._apps.get(request.viewer_id, request.app_id)))

    async def UpdateApp(self, request: pb.UpdateAppRequest, context: Context) -> pb.UpdateAppResponse:
        values = _values(request.app, request.update_mask.paths)
        return pb.UpdateAppResponse(app=_app(await self._apps.edit(request.viewer_id, request.app_id, values)))

    async def DeleteApp(self, request: pb.DeleteAppRequest, context: Context) -> pb.DeleteAppResponse:
        await self._apps.delete(request.viewer_id, request.app_id)
        return pb.DeleteAppResponse()

    async def RenewAppSecret(self, request: pb.RenewAppSecretRequest, context: Context) -> pb.RenewAppSecretResponse:
        secret = await self._apps.renew_secret(request.viewer_id, request.app_id)
        return pb.RenewAppSecretResponse(client_secret=secret)

    async def BeginAuthorization(
        self, request: pb.BeginAuthorizationRequest, context: Context
    ) -> pb.BeginAuthorizationResponse:
        asked = await self._authorizing.asked(_parameters(request.parameters), request.issuer)
        browser = await self._browsers.who(request.browser_token)
        owner = await self._accounts.get(asked.app.owner_id)
        return pb.BeginAuthorizationResponse(
            app=_app(asked.app),
            owner=owner.profile.username if owner else "",
            redirect_uri=asked.redirect_uri,
            scopes=asked.scopes,
            username=browser.username if browser else "",
            error_uri=asked.error_uri,
        )

    async def DecideAuthorization(
        self, request: pb.DecideAuthorizationRequest, context: Context
    ) -> pb.DecideAuthorizationResponse:
        asked = await self._authorizing.asked(_parameters(request.parameters), request.issuer)
        browser = await self._browsers.who(request.browser_token)
        if browser is None:
            raise oauth_errors.browser_not_logged_in()
        if asked.error_uri:
            return pb.DecideAuthorizationResponse(redirect_uri=asked.error_uri)
        if not request.allowed:
            return pb.DecideAuthorizationResponse(redirect_uri=self._authorizing.deny(asked, request.issuer))
        uri = await self._authorizing.allow(asked, request.issuer, browser, _device(request))
        return pb.DecideAuthorizationResponse(redirect_uri=uri)

    async def LogInBrowser(self, request: pb.LogInBrowserRequest, context: Context) -> pb.LogInBrowserResponse:
        device = replace(_device(request), token=request.device_token)
        found = await self._browsers.log_in(request.login, request.password, device)
        if isinstance(found, Challenge):
            return pb.LogInBrowserResponse(ticket=found.ticket, methods=found.methods)
        return pb.LogInBrowserResponse(
            browser_token=found.token, expires_in_seconds=_BROWSER_SECONDS, device_token=found.device_token
        )

    async def PassSecondFactor(
        self, request: pb.PassSecondFactorRequest, context: Context
    ) -> pb.PassSecondFactorResponse:
        proof = Proof(code=request.code, recovery_code=request.recovery_code)
        device = replace(_device(request), token=request.device_token)
        found = await self._browsers.pass_second_factor(request.ticket, proof, device)
        return pb.PassSecondFactorResponse(
            browser_token=found.token, expires_in_seconds=_BROWSER_SECONDS, device_token=found.device_token
        )

    async def LogOutBrowser(self, request: pb.LogOutBrowserRequest, context: Context) -> pb.LogOutBrowserResponse:
        await self._browsers.log_out(request.browser_token, Device())
        return pb.LogOutBrowserResponse()

    async def IssueToken(self, request: pb.IssueTokenRequest, context: Context) -> pb.IssueTokenResponse:
        parameters = _parameters(request.parameters)
        answer = await self._granting.token(parameters, request.authorization, _device(request))
        return pb.IssueTokenResponse(answer=_answer(answer))

    async def RevokeToken(self, request: pb.RevokeTokenRequest, context: Context) -> pb.RevokeTokenResponse:
        answer = await self._granting.revoke(_parameters(request.parameters), request.authorization)
        return pb.RevokeTokenResponse(answer=_answer(answer))

    async def IntrospectToken(self, request: pb.IntrospectTokenRequest, context: Context) -> pb.IntrospectTokenResponse:
        answer = await self._granting.introspect(_parameters(request.parameters), request.authorization)
        return pb.IntrospectTokenResponse(answer=_answer(answer))

    async def ListAuthorizedApps(
        self, request: pb.ListAuthorizedAppsRequest, context: Context
    ) -> pb.ListAuthorizedAppsResponse:
        found = await self._ending.authorized(request.viewer_id)
        return pb.ListAuthorizedAppsResponse(apps=map(_authorized, found))

    async def RemoveAuthorizedApp(
        self, request: pb.RemoveAuthorizedAppRequest, context: Context
    ) -> pb.RemoveAuthorizedAppResponse:
        await self._ending.remove(request.viewer_id, request.app_id, _device(request))
        return pb.RemoveAuthorizedAppResponse()


_WithDevice = (
    pb.CreateAppRequest
    | pb.DecideAuthorizationRequest
    | pb.LogInBrowserRequest
    | pb.PassSecondFactorRequest
    | pb.IssueTokenRequest
    | pb.RemoveAuthorizedAppRequest
)


def _device(request: _WithDevice) -> Device:
    return Device(request.address, request.user_agent)


def _parameters(found: Iterable[pb.Parameter]) -> Parameters:
    return [(one.name, one.value) for one in found]


def _values(app: pb.App, paths: Iterable[str]) -> Mapping[str, object]:
    known = [path for path in paths if path in _EDITABLE]
    return {path: tuple(getattr(app, path)) if path in _LISTS else getattr(app, path) for path in known}


def _app(app: App) -> pb.App:
    return pb.App(
        id=app.id,
        client_id=app.client_id,
        name=app.name,
        website=app.website,
        client_type=pb.ClientType.ValueType(app.client_type.value),
        redirect_uris=app.redirect_uris,
        scopes=app.scopes,
        created_at=timestamp(app.created_at),
    )


def _authorized(app: AuthorizedApp) -> pb.AuthorizedApp:
    return pb.AuthorizedApp(
        id=app.id,
        name=app.name,
        website=app.website,
        scopes=app.scopes,
        authorized_at=timestamp(app.authorized_at),
        last_used_at=timestamp(app.last_used_at),
    )


def _answer(answer: Answer) -> pb.ProtocolAnswer:
    return pb.ProtocolAnswer(
        status=answer.status,
        body=json.dumps(dict(answer.body)),
        www_authenticate=answer.headers.get("WWW-Authenticate", ""),
    )
