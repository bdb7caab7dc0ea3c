"""E-mail addresses, passwords and the username of an account. What is sent by people who are not logged in is answered
the same whether there is such an account or not."""

from fastapi import Response
from heliograph.user.v1 import credentials_pb2 as pb

from gateway import letter_pages
from gateway.here import HereDep, answer, nothing
from gateway.people import counts
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers, credentials

routes = Routes("Accounts")

# Long enough for a password among many that are checked.
_OWNER = Policy(scope="account", seconds=10, once=True, json=True)
_ANYBODY = Policy(Auth.OPEN, seconds=10, once=True, json=True)
_PAGE = Policy(Auth.OPEN)


@routes.add(
    "POST /v1/accounts/verify-email",
    "verifyEmail",
    "Confirm an address by the token of a letter",
    status=204,
    problems=(409,),
    policy=_ANYBODY,
)
async def verify_email(here: HereDep, body: credentials.LetterToken) -> Response:
    await here.services.credentials.VerifyEmail(
        pb.VerifyEmailRequest(token=body.token, address=here.address, user_agent=here.user_agent)
    )
    return nothing()


@routes.add(
    "POST /v1/accounts/resend-verification",
    "resendVerification",
    "Have the letter sent again to an address that is not confirmed yet",
    status=202,
    policy=_ANYBODY,
)
async def resend_verification(here: HereDep, body: credentials.Address) -> Response:
    await here.services.credentials.RequestVerification(
        pb.RequestVerificationRequest(email=body.email, address=here.address, user_agent=here.user_agent)
    )
    return _accepted()


@routes.add(
    "POST /v1/me/email",
    "changeEmail",
    "Ask for another address; a letter to it has the link that makes it one's own",
    status=202,
    policy=_OWNER,
)
async def change_email(here: HereDep, body: credentials.NewAddress) -> Response:
    await here.services.credentials.ChangeEmail(
        pb.ChangeEmailRequest(
            viewer_id=here.viewer.id,
            password=body.password,
            email=body.email,
            address=here.address,
            user_agent=here.user_agent,
        )
    )
    return _accepted()


@routes.add(
    "POST /v1/me/password",
    "changePassword",
    "Change the password; all other sessions end",
    status=204,
    policy=_OWNER,
)
async def change_password(here: HereDep, body: credentials.PasswordChange) -> Response:
    await here.services.credentials.ChangePassword(
        pb.ChangePasswordRequest(
            viewer_id=here.viewer.id,
            session_id=here.viewer.session_id,
            current_password=body.current_password,
            new_password=body.new_password,
            address=here.address,
            user_agent=here.user_agent,
        )
    )
    return nothing()


@routes.add(
    "POST /v1/password/forgot",
    "forgetPassword",
    "Have a link sent to set a new password",
    status=202,
    policy=_ANYBODY,
)
async def forget_password(here: HereDep, body: credentials.ForgottenPassword) -> Response:
    await here.services.credentials.ForgetPassword(
        pb.ForgetPasswordRequest(
            email=body.email, device_token=body.device_token, address=here.address, user_agent=here.user_agent
        )
    )
    return _accepted()


@routes.add(
    "POST /v1/password/reset",
    "resetPassword",
    "Set a new password by the token of a letter; all sessions end, and nobody is logged in",
    status=204,
    policy=_ANYBODY,
)
async def reset_password(here: HereDep, body: credentials.PasswordReset) -> Response:
    await here.services.credentials.ResetPassword(
        pb.ResetPasswordRequest(
            token=body.token, password=body.password, address=here.address, user_agent=here.user_agent
        )
    )
    return nothing()


@routes.add(
    "PUT /v1/me/username",
    "changeUsername",
    "Change the username; for a while the former one leads to the account",
    answers.Account,
    problems=(409,),
    policy=Policy(scope="account", json=True),
)
async def change_username(here: HereDep, body: credentials.NewUsername) -> Response:
    changed = await here.services.credentials.ChangeUsername(
        pb.ChangeUsernameRequest(
            viewer_id=here.viewer.id, username=body.username, address=here.address, user_agent=here.user_agent
        )
    )
    known = await counts(here, [here.viewer.id])
    return answer(here.render.account(changed.account, known.get(here.viewer.id)))


@routes.add("GET /account/verify-email", "getVerifyEmailPage", "Where the link of a letter leads", str, policy=_PAGE)
async def verify_email_page() -> Response:
    return _page(letter_pages.VERIFY_EMAIL)


@routes.add("GET /account/reset-password", "getResetPasswordPage", "The same for a password", str, policy=_PAGE)
async def reset_password_page() -> Response:
    return _page(letter_pages.RESET_PASSWORD)


def _accepted() -> Response:
    return Response(status_code=202, headers={"Cache-Control": "no-store"})


def _page(content: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": letter_pages.CONTENT_SECURITY_POLICY,
        "X-Frame-Options": "DENY",
    }
    return Response(content, 200, headers, "text/html; charset=utf-8")
