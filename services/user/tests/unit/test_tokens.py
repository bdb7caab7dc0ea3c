import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from kit.settings import BadSettings
from user_service.model.keys import TokenRules
from user_service.model.scopes import OWN_SCOPES
from user_service.service.tokens import AccessTokens
from user_service.store.keys import KeyFolder

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = TokenRules(timedelta(minutes=15), timedelta(minutes=2))

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def opened(folder: KeyFolder) -> AccessTokens:
    return AccessTokens(folder, RULES)


def read(tokens: AccessTokens, text: str) -> jwt.Token:
    return jwt.decode(text, KeySet.import_key_set(json.loads(tokens.jwks())), algorithms=["EdDSA"])


def issue(tokens: AccessTokens, now: datetime = NOW) -> str:
    return tokens.issue(user_id=7, session_id=8, now=now)


def test_a_token_is_verified_with_the_public_keys_and_says_what_was_promised(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    kid = folder.create(at(NOW))
    token = read(opened(folder), issue(opened(folder)))
    claims: dict[str, Any] = dict(token.claims)
    assert claims.pop("jti")
    assert claims == {
        "iss": "heliograph",
        "aud": "heliograph-api",
        "sub": "7",
        "sid": "8",
        "scope": " ".join(OWN_SCOPES),
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 900,
    }
    assert token.header == {"alg": "EdDSA", "kid": kid, "typ": "at+jwt"}


def test_no_two_tokens_are_the_same(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.create(at(NOW))
    tokens = opened(folder)
    assert issue(tokens) != issue(tokens)


def test_the_public_set_holds_no_private_part(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.create(at(NOW))
    (key,) = json.loads(opened(folder).jwks())["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_a_new_key_signs_once_everybody_had_time_to_load_it_and_the_old_one_still_verifies(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    old = folder.create(at(NOW - timedelta(days=1)))
    new = folder.create(at(NOW))
    tokens = opened(folder)
    early, late = issue(tokens, NOW + timedelta(seconds=119)), issue(tokens, NOW + timedelta(seconds=120))
    assert [read(tokens, text).header["kid"] for text in (early, late)] == [old, new]


async def test_keys_that_come_later_are_found(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.create(at(NOW - timedelta(days=1)))
    tokens = opened(folder)
    new = folder.create(at(NOW - timedelta(hours=1)))
    await tokens.reload()
    assert read(tokens, issue(tokens)).header["kid"] == new


async def test_a_folder_that_breaks_leaves_the_keys_that_were_loaded(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.create(at(NOW))
    tokens = opened(folder)
    (tmp_path / "broken.json").write_text("{")
    await tokens.reload()
    assert read(tokens, issue(tokens))


def test_without_a_key_there_is_nothing_to_start_with(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no signing key"):
        opened(KeyFolder(tmp_path))


def test_a_key_is_readable_by_its_owner_alone_and_made_once(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    assert folder.create_first(at(NOW))
    assert folder.create_first(at(NOW)) is None
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
