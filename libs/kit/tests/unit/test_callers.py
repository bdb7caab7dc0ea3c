from kit.callers import Callers

READ, WRITE, COUNT = "/kit.test.Books/Read", "/kit.test.Books/Write", "/kit.test.Counts/Get"
RULES = {"kit.test.Books": {"desk"}, "kit.test.Books/Read": {"desk", "reader"}, "kit.test.Counts": {"clerk"}}


def allowed(callers: Callers, name: str) -> list[str]:
    return [method for method in (READ, WRITE, COUNT, "/kit.test.Unlisted/Get", "") if callers.allows(name, method)]


def test_a_methods_own_names_stand_in_place_of_the_services() -> None:
    assert allowed(Callers(RULES), "desk") == [READ, WRITE]
    assert allowed(Callers(RULES), "reader") == [READ]
    assert allowed(Callers({**RULES, "kit.test.Books/Read": {"reader"}}), "desk") == [WRITE]


def test_what_is_not_listed_is_for_nobody() -> None:
    for name in ("clerk", "stranger", ""):
        assert allowed(Callers(RULES), name) == ([COUNT] if name == "clerk" else [])
        assert allowed(Callers({}), name) == []


def test_names_that_go_in_place_of_the_rules_are_for_everything() -> None:
    callers = Callers(RULES, ["stranger"])
    assert READ in allowed(callers, "stranger")
    assert COUNT in allowed(callers, "stranger")
    assert allowed(callers, "desk") == []
    assert allowed(Callers(RULES, []), "desk") == []
