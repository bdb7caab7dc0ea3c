"""The token, revocation and introspection endpoints (RFC 6749, 7009, 7662)."""

from kit.errors import Aborted, Unauthenticated

from user_service.model.apps import APP_READS, App
from user_service.model.oauth import Answer, Parameters
from user_service.model.security import Device, Kind
from user_service.service.oauth.codes import Codes
from user_service.service.oauth.ending import Ending
from user_service.service.oauth.incoming import app_id_in, refused
from user_service.service.oauth.lasting import Lasting
from user_service.service.oauth.reading import Reading
from user_service.service.oauth.rules import Judge, refusal
from user_service.service.oauth.shown import Loaded, Request
from user_service.service.sessions import Granted, Sessions
from user_service.service.tokens import AccessTokens
from user_service.store.apps import AppStore


class Granting:
    """What the rules refuse is an answer as well."""

    def __init__(
        self,
        apps: AppStore,
        codes: Codes,
        reading: Reading,
        ending: Ending,
        sessions: Sessions,
        tokens: AccessTokens,
        lasting: Lasting,
    ) -> None:
        self._apps, self._codes, self._reading, self._ending = apps, codes, reading, ending
        self._sessions, self._tokens, self._lasting = sessions, tokens, lasting

    async def token(self, parameters: Parameters, authorization: str, device: Device) -> Answer:
        if answer := refused(parameters, authorization):
            return answer
        app = await self._apps.get(app_id_in(parameters, authorization))
        request = Request(parameters, authorization)
        match request.form.get("grant_type"):
            case None:
                return refusal("invalid_request", "Missing 'grant_type'")
            case "authorization_code":
                return await self._by_code(app, request, device)
            case "refresh_token":
                return await self._by_refresh_token(app, request, device)
            case _:
                return self._for_itself(app, request)

    async def revoke(self, parameters: Parameters, authorization: str) -> Answer:
        if answer := refused(parameters, authorization):
            return answer
        request = Request(parameters, authorization)
        loaded = await self._loaded(parameters, authorization, request)
        answer = Judge(loaded).on_revocation(request)
        if loaded.proven and loaded.token and loaded.token.session:
            await self._ending.end(*loaded.token.session, Kind.APP_REMOVED, Device())
        return answer

    async def introspect(self, parameters: Parameters, authorization: str) -> Answer:
        if answer := refused(parameters, authorization):
            return answer
        request = Request(parameters, authorization)
        loaded = await self._loaded(parameters, authorization, request)
        return Judge(loaded).on_introspection(request)

    async def _loaded(self, parameters: Parameters, authorization: str, request: Request) -> Loaded:
        app = await self._apps.get(app_id_in(parameters, authorization))
        token = await self._reading.any(request.form.get("token", ""))
        return Loaded(app, self._lasting.clock(), token=token)

    async def _by_code(self, app: App | None, request: Request, device: Device) -> Answer:
        text = request.form.get("code", "")
        loaded = Loaded(app, self._lasting.clock(), code=await self._codes.find(text))
        answer = Judge(loaded).on_token(request)
        if not (app and loaded.code and loaded.proven):
            return answer
        if answer.status == 200:
            granted = await self._codes.redeem(loaded.code, app, device)
            if granted:
                return _filled(granted)
            loaded.code = await self._codes.find(text) or loaded.code
            answer = refusal("invalid_grant", "The code was used before, or what it rests on has ended")
        await self._codes.refused(loaded.code, app, device)
        return answer

    async def _by_refresh_token(self, app: App | None, request: Request, device: Device) -> Answer:
        text = request.form.get("refresh_token", "")
        token = await self._reading.refresh(text)
        answer = Judge(Loaded(app, self._lasting.clock(), token=token)).on_token(request)
        if answer.status != 200 or app is None:
            return answer
        scopes = [scope for scope in str(answer.body["scope"]).split() if scope in app.scopes]
        try:
            refreshed = await self._sessions.refresh(text, address=device.address, app_id=app.id, scopes=scopes)
        except (Unauthenticated, Aborted) as error:
            return refusal("invalid_grant", error.message)
        return _filled(refreshed)

    def _for_itself(self, app: App | None, request: Request) -> Answer:
        now = self._lasting.clock()
        answer = Judge(Loaded(app, now)).on_token(request)
        if answer.status != 200 or app is None or app.secret_id is None:
            return answer
        access = self._tokens.issue_to_app(
            client_id=app.client_id, secret_id=app.secret_id, now=now, scopes=[APP_READS]
        )
        lifetime = int(self._tokens.lifetime.total_seconds())
        return Answer(200, {**answer.body, "access_token": access, "expires_in": lifetime})


def _filled(granted: Granted) -> Answer:
    return Answer(
        200,
        {
            "access_token": granted.access_token,
            "token_type": "Bearer",  # nosec B105 a word of OAuth
            "expires_in": int(granted.expires_in.total_seconds()),
            "refresh_token": granted.refresh_token,
            "scope": " ".join(granted.scopes),
        },
    )
