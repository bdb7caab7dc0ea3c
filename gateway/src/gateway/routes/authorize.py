"""The authorization endpoint: log-in and consent, in plain pages (RFC 6749, section 3.1)."""

from collections.abc import Iterable, Mapping
from math import ceil
from urllib.parse import parse_qsl, urlsplit

from fastapi import Response
from heliograph.user.v1 import oauth_pb2 as pb
from kit.errors import DomainError, InvalidArgument, PermissionDenied, ResourceExhausted, Unauthenticated

from gateway.browser import Browser
from gateway.errors import Refusal, refusal_of
from gateway.here import Here, HereDep
from gateway.html import leads_to, page
from gateway.routing import Auth, Policy, Routes
from gateway.scopes import FOR_APPS
from gateway.urlencoded import MOST_FIELDS, form_body, read_fields

routes = Routes("OAuth")

_PATH = "/oauth/authorize"
_SHOWN: Mapping[int, type[str] | None] = {303: None, **dict.fromkeys((400, 503, 504), str)}
_ANSWERED: Mapping[int, type[str] | None] = {**_SHOWN, **dict.fromkeys((401, 403, 429), str)}
_FIELDS = ("step", "token", "login", "password", "ticket", "code", "recovery_code")
_ENTERED = (Unauthenticated, PermissionDenied, ResourceExhausted)
_WORDS = {
    "BAD_CREDENTIALS": "The name or the password is wrong.",
    "BAD_SECOND_FACTOR": "That code is not right.",
    "BAD_TICKET": "That took too long, or too many tries. Log in once more.",
    "TOO_MANY_ATTEMPTS": "There were too many wrong attempts. Wait a while before the next.",
    "ACCOUNT_SUSPENDED": "This account is suspended.",
    "ACCOUNT_DELETION_PENDING": "This account is about to be deleted. Log in with a client of Heliograph to keep it.",
}


@routes.add(
    "GET /oauth/authorize",
    "authorizeApp",
    "The page on which people log in and let an app in; ends with a redirect to the app",
    str,
    others=_SHOWN,
    policy=Policy(Auth.OPEN, seconds=5),
)
async def show(here: HereDep) -> Response:
    return await _Visit(here).answered({})


@routes.add(
    "POST /oauth/authorize",
    "answerAuthorization",
    "The forms of that page",
    str,
    others=_ANSWERED,
    policy=Policy(
        Auth.OPEN,
        seconds=12,
        form=True,
        body=form_body(_FIELDS, {"step": "allow", "token": "from the page"}),  # nosec B105 an example
    ),
)
async def act(here: HereDep) -> Response:
    visit = _Visit(here)
    try:
        fields = dict(await read_fields(here.request))
    except Refusal as refused:
        return page("trouble", 400, why=refused.detail, again="")
    if not visit.browser.sent(fields.get("token", ""), visit.query):
        return page("trouble", 403, why="This page was too old, or not from here.", again=visit.address)
    return await visit.answered(fields)


class _Visit:
    """One request of a browser, about one request of an app."""

    def __init__(self, here: Here) -> None:
        self.here, self.oauth = here, here.services.oauth
        self.issuer = here.parts.settings.public_url
        self.browser = Browser(here.request, self.issuer)
        self.query = here.request.scope["query_string"].decode("latin-1")
        self.address = f"{_PATH}?{self.query}"

    async def answered(self, fields: Mapping[str, str]) -> Response:
        """To a form with these fields, or, with none, to a page being asked for."""
        try:
            asked = await self._asked()
            response = await self._act(asked, fields) if fields else self._page(asked)
        except InvalidArgument as error:
            return page("trouble", 400, why=error.message, again="")
        except DomainError as error:
            told = refusal_of(error)
            response = page("trouble", told.status, why=f"{told.detail}.", again=self.address)
            response.headers.update(told.headers)
            return response
        self.browser.remember(response)
        return response

    async def _asked(self) -> pb.BeginAuthorizationResponse:
        return await self.oauth.BeginAuthorization(
            pb.BeginAuthorizationRequest(
                parameters=self._parameters(), issuer=self.issuer, browser_token=self.browser.login
            )
        )

    def _parameters(self) -> list[pb.Parameter]:
        try:
            found = parse_qsl(self.query, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            raise InvalidArgument("BAD_AUTHORIZATION_REQUEST", "The address is broken") from None
        return [pb.Parameter(name=name, value=value) for name, value in found]

    def _page(self, asked: pb.BeginAuthorizationResponse) -> Response:
        if not asked.username:
            return self._log_in_page(asked)
        if asked.error_uri:
            # Only now: nobody is sent on by a mere link who has not logged in here (RFC 9700, section 4.11.2).
            return self._to(asked.error_uri)
        return page(
            "consent",
            200,
            forms_lead_to=leads_to(asked.redirect_uri),
            app=asked.app,
            owner=asked.owner,
            username=asked.username,
            scopes=[FOR_APPS.get(scope, scope) for scope in asked.scopes],
            place=_place(asked.redirect_uri),
            **self._form(),
        )

    async def _act(self, asked: pb.BeginAuthorizationResponse, fields: Mapping[str, str]) -> Response:
        match fields.get("step"):
            case "log-in":
                return await self._log_in(asked, fields)
            case "second-factor":
                return await self._second_factor(asked, fields)
            case "allow" | "deny" as said if asked.username:
                return await self._decide(allowed=said == "allow")
            case "switch":
                await self.oauth.LogOutBrowser(pb.LogOutBrowserRequest(browser_token=self.browser.login))
                response = self._to(self.address)
                self.browser.log_out(response)
                return response
            case _:
                return self._to(self.address)

    async def _log_in(self, asked: pb.BeginAuthorizationResponse, fields: Mapping[str, str]) -> Response:
        login = fields.get("login", "")
        try:
            found = await self.oauth.LogInBrowser(
                pb.LogInBrowserRequest(
                    login=login,
                    password=fields.get("password", ""),
                    address=self.here.address,
                    user_agent=self.here.user_agent,
                    device_token=self.browser.device,
                )
            )
        except _ENTERED as error:
            return self._log_in_page(asked, error, login)
        if found.ticket:
            return self._second_factor_page(found.ticket, found.methods)
        return self._logged_in(found.browser_token, found.expires_in_seconds, found.device_token)

    async def _second_factor(self, asked: pb.BeginAuthorizationResponse, fields: Mapping[str, str]) -> Response:
        ticket = fields.get("ticket", "")
        try:
            found = await self.oauth.PassSecondFactor(
                pb.PassSecondFactorRequest(
                    ticket=ticket,
                    code=fields.get("code", ""),
                    recovery_code=fields.get("recovery_code", ""),
                    address=self.here.address,
                    user_agent=self.here.user_agent,
                    device_token=self.browser.device,
                )
            )
        except _ENTERED as error:
            if error.reason != "BAD_SECOND_FACTOR":
                return self._log_in_page(asked, error)
            return self._second_factor_page(ticket, ("totp", "recovery_code"), error)
        return self._logged_in(found.browser_token, found.expires_in_seconds, found.device_token)

    async def _decide(self, *, allowed: bool) -> Response:
        decided = await self.oauth.DecideAuthorization(
            pb.DecideAuthorizationRequest(
                parameters=self._parameters(),
                issuer=self.issuer,
                browser_token=self.browser.login,
                allowed=allowed,
                address=self.here.address,
                user_agent=self.here.user_agent,
            )
        )
        return self._to(decided.redirect_uri)

    def _logged_in(self, token: str, seconds: int, device: str) -> Response:
        response = self._to(self.address)
        self.browser.log_in(response, token, seconds, device)
        return response

    def _log_in_page(
        self, asked: pb.BeginAuthorizationResponse, error: DomainError | None = None, login: str = ""
    ) -> Response:
        # A request with a fault leads on to the app as soon as somebody is logged in.
        further = leads_to(asked.redirect_uri) if asked.error_uri else ()
        shown = page("log_in", _status(error), further, app=asked.app, login=login, wrong=_why(error), **self._form())
        if error and error.retry_after:
            shown.headers["Retry-After"] = str(ceil(error.retry_after))
        return shown

    def _second_factor_page(self, ticket: str, methods: Iterable[str], error: DomainError | None = None) -> Response:
        status, why = _status(error), _why(error)
        return page("second_factor", status, ticket=ticket, methods=list(methods), wrong=why, **self._form())

    def _form(self) -> dict[str, str]:
        return {"action": self.address, "token": self.browser.token(self.query)}

    def _to(self, uri: str) -> Response:
        """303: the form is not sent on (RFC 9700, section 4.12)."""
        return Response(status_code=303, headers={"Location": uri, "Cache-Control": "no-store"})


def _place(redirect_uri: str) -> str:
    """What people know a site by; an app on the device itself has none."""
    parts = urlsplit(redirect_uri)
    return parts.netloc if parts.scheme == "https" else f"{parts.scheme}:, on your device"


def _status(error: DomainError | None) -> int:
    return refusal_of(error).status if error else 200


def _why(error: DomainError | None) -> str:
    return _WORDS.get(error.reason, f"{error.message}.") if error else ""
