from user_service.model.accounts import Role
from user_service.model.scopes import OWN_SCOPES, scopes_of, still_granted


def test_a_role_adds_scopes() -> None:
    assert scopes_of(Role.MEMBER) == OWN_SCOPES
    assert set(scopes_of(Role.MODERATOR)) - set(OWN_SCOPES) == {"moderate"}
    assert set(scopes_of(Role.ADMIN)) - set(OWN_SCOPES) == {"moderate", "admin"}


def test_a_role_that_was_lost_takes_its_scopes_along() -> None:
    assert still_granted(scopes_of(Role.ADMIN), Role.MEMBER) == OWN_SCOPES


def test_a_role_that_was_won_adds_nothing_to_a_session_that_was_there_before() -> None:
    assert still_granted(("read",), Role.ADMIN) == ("read",)
