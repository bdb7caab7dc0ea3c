"""Attacks on access tokens. Each begins with a token that is good, so that what is refused is the one thing changed."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.testing import Stack
from joserfc.jwk import OKPKey
from support.rest import Person, assert_problem, join
from support.tokens import claims_of, header_of, packed, sign, signing_key, token, unpacked

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await join(http, "target")


async def refused(person: Person, forged: str, reason: str = "INVALID_TOKEN") -> None:
    """Everywhere, also where no token is needed."""
    for path in ("/v1/me", f"/v1/users/{person.username}"):
        answer = await person.http.get(path, headers={"Authorization": f"Bearer {forged}"})
        assert assert_problem(answer, 401)["reason"] == reason, forged


def signed(root: Path, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """By hand, with the stack's own key: also what no library would make."""
    body = f"{packed(header)}.{packed(claims)}"
    return f"{body}.{packed(sign(signing_key(root), body.encode()))}"


def hmac_signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    body = f"{packed(header)}.{packed(claims)}"
    return f"{body}.{packed(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


async def test_the_same_claims_signed_again_are_good(stack: Stack, person: Person):
    """Else all that is refused here might be refused for another reason."""
    claims = claims_of(person.access_token)
    for good in (token(stack.root, claims), signed(stack.root, header_of(person.access_token), claims)):
        assert (await person.http.get("/v1/me", headers={"Authorization": f"Bearer {good}"})).status_code == 200


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
async def test_no_algorithm(person: Person, alg: str):
    claims = claims_of(person.access_token)
    header = {**header_of(person.access_token), "alg": alg}
    signature = person.access_token.split(".")[2]
    for tail in ("", signature):
        await refused(person, f"{packed(header)}.{packed(claims)}.{tail}")


def public_forms(root: Path) -> Iterator[bytes]:
    """All that is publicly known of the key, in the forms that a confused server might take for a shared secret."""
    key = signing_key(root)
    yield key.public_key.public_bytes_raw()
    yield key.as_pem(private=False)
    yield key.as_der(private=False)
    yield packed({**key.as_dict(private=False)}).encode()
    yield b""


@pytest.mark.parametrize("alg", ["HS256", "HS512", "RS256", "ES256", "EdDSA"])
async def test_the_public_key_as_a_shared_secret(stack: Stack, person: Person, alg: str):
    header = {**header_of(person.access_token), "alg": alg}
    for secret in public_forms(stack.root):
        await refused(person, hmac_signed(header, claims_of(person.access_token), secret))


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null", "/dev/null", "' union select 'x' --", "x' or '1'='1", "http://127.0.0.1/key", "",
        "a" * 2000, "\u0000", 7, None, ["k"], {"k": 1}, True,
    ],
)  # fmt: skip
async def test_a_key_id_leads_nowhere(stack: Stack, person: Person, kid: object):
    header = {**header_of(person.access_token), "kid": kid}
    claims = claims_of(person.access_token)
    await refused(person, signed(stack.root, header, claims))
    await refused(person, hmac_signed({**header, "alg": "HS256"}, claims, b""))


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
async def test_the_token_names_no_key_of_its_own(person: Person, name: str):
    own = OKPKey.generate_key("Ed25519")
    public = own.as_dict(private=False)
    values = {"jwk": public, "x5c": [packed(public)]}
    header = {**header_of(person.access_token), name: values.get(name, "http://127.0.0.1:9/keys.json")}
    body = f"{packed(header)}.{packed(claims_of(person.access_token))}"
    await refused(person, f"{body}.{packed(sign(own, body.encode()))}")


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["x"], [], "x", [7]])
async def test_an_extension_that_must_be_understood_and_is_not(stack: Stack, person: Person, crit: object):
    """RFC 7515, section 4.1.11."""
    header = {**header_of(person.access_token), "crit": crit, "x": 1}
    await refused(person, signed(stack.root, header, claims_of(person.access_token)))


async def test_an_unencoded_payload(stack: Stack, person: Person):
    """RFC 7797."""
    header = {**header_of(person.access_token), "b64": False, "crit": ["b64"]}
    await refused(person, signed(stack.root, header, claims_of(person.access_token)))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "id+jwt", "dpop+jwt", "", None, 1])
async def test_another_kind_of_token(stack: Stack, person: Person, typ: object):
    """RFC 9068: what was signed for another purpose with the same key."""
    header = {**header_of(person.access_token), "typ": typ}
    await refused(person, signed(stack.root, header, claims_of(person.access_token)))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"}, {"aud": ""}, {"aud": []}, {"aud": {"heliograph-api": 1}}, {"aud": None},
        {"iss": "http://heliograph"}, {"iss": None}, {"iss": ["heliograph"]},
        {"sub": "0"}, {"sub": "-1"}, {"sub": "1 or 1"}, {"sub": None}, {"sub": str(1 << 63)}, {"sub": ["1"]},
        {"sid": None}, {"sid": "x"}, {"exp": "9999999999"}, {"exp": None}, {"exp": -1}, {"exp": float("inf")},
    ],
)  # fmt: skip
async def test_wrong_claims(stack: Stack, person: Person, changes: dict[str, Any]):
    claims = {**claims_of(person.access_token), **changes}
    await refused(person, signed(stack.root, header_of(person.access_token), claims))


async def test_an_expired_token(stack: Stack, person: Person):
    await refused(person, token(stack.root, claims_of(person.access_token), expires_in=-60), "TOKEN_EXPIRED")


async def test_a_token_of_tomorrow(stack: Stack, person: Person):
    claims = {**claims_of(person.access_token), "nbf": int(time.time()) + 600}
    await refused(person, signed(stack.root, header_of(person.access_token), claims))


async def test_claims_exchanged_under_a_signature(http: httpx.AsyncClient, person: Person):
    """Neither another account nor a wider scope."""
    other = await join(http, "other")
    head, _, signature = person.access_token.split(".")
    claims = claims_of(person.access_token)
    for changed in ({**claims, "sub": other.id}, {**claims, "scope": f"{claims['scope']} admin"}):
        await refused(person, f"{head}.{packed(changed)}.{signature}")
    await refused(person, ".".join([*other.access_token.split(".")[:2], signature]))


async def test_a_signature_changed_in_any_of_its_bytes(person: Person):
    head, body, signature = person.access_token.split(".")
    good = unpacked(signature)
    for place in range(0, len(good), 7):
        changed = bytes(byte ^ (place == number) for number, byte in enumerate(good))
        await refused(person, f"{head}.{body}.{packed(changed)}")


@pytest.mark.parametrize("shape", ["{0}.{1}", "{0}.{1}.{2}.", "{0}.{1}.{2}.{2}", ".{1}.{2}", "{0}..{2}", "..", "."])
async def test_other_shapes(person: Person, shape: str):
    await refused(person, shape.format(*person.access_token.split(".")))


async def test_a_refresh_token_is_no_access_token(person: Person):
    await refused(person, person.refresh_token)
