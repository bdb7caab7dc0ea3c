"""Certificates that are renewed while they are in use."""

import asyncio
from pathlib import Path

import grpc
import pytest
from devstack.authority import Authority, place
from google.protobuf.wrappers_pb2 import StringValue
from kit import certificates
from kit.many import Batcher
from kit.server import Context
from kit.settings import BadSettings

from .echo import METHOD, say
from .secured import serving, told


async def test_renewed_certificates_are_taken_without_a_failed_call(tmp_path: Path) -> None:
    """A new authority, step by step as the runbook has it, while calls of all kinds go on."""
    asked, going = asyncio.Event(), asyncio.Event()

    async def answer(text: str, _: Context) -> str:
        if text == "long":
            asked.set()
            await going.wait()
        return text

    async with serving(tmp_path, answer, allowed_callers="gateway") as place_, place_.channel("gateway") as channel:
        old, new, batcher = place_.authority, Authority.make(), Batcher(channel, service="echo")
        long = asyncio.ensure_future(say(channel)(StringValue(value="long"), timeout=20))
        await asked.wait()
        for signer, trusted in ((old, old.pem + new.pem), (new, old.pem + new.pem), (new, new.pem)):
            for name in ("gateway", "echo"):
                place(tmp_path / name, {**signer.issue(name), "ca.crt": trusted})
            async with asyncio.timeout(10):
                end = asyncio.get_running_loop().time() + 1.5  # both sides look once a second
                while asyncio.get_running_loop().time() < end:
                    assert (await say(channel)(StringValue(value="x"))).value == "x"
                    assert (await batcher.call(METHOD, StringValue(value="y"), StringValue)).value == "y"
        going.set()
        assert (await long).value == "long"
        async with place_.bare("gateway", old) as left:
            assert await told(lambda: say(left)(StringValue(value="x"))) is grpc.StatusCode.UNAVAILABLE
        files = new.issue("gateway")
        credentials = grpc.ssl_channel_credentials(new.pem, files["tls.key"], files["tls.crt"])
        async with grpc.aio.secure_channel(place_.target, credentials) as bare:
            assert (await say(bare)(StringValue(value="x"))).value == "x"


def test_files_that_do_not_fit_together_change_nothing(tmp_path: Path) -> None:
    authority, now = Authority.make(), 0.0
    before = authority.issue("user")
    place(tmp_path, before)
    found = certificates.Certificates(tmp_path, lambda: now)
    after = authority.issue("user")
    for fault in ({**before, "tls.crt": after["tls.crt"]}, {**after, "ca.crt": b"none"}):
        place(tmp_path, fault)
        now += 2
        assert found.current().chain == before["tls.crt"]
    place(tmp_path, after)
    assert found.current().chain == before["tls.crt"]  # it does not look all the time
    now += 2
    assert found.current().chain == after["tls.crt"]
    (tmp_path / "..data").unlink()
    now += 2
    assert found.current().chain == after["tls.crt"]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({}, "tls.crt: No such file or directory"),
        ({"tls.key": b"none"}, "no PEM"),
        ({"tls.key": Authority.make().issue("user")["tls.key"]}, "not the key"),
        (Authority.make().issue("https://example.org"), "one URI"),
    ],
)
def test_a_folder_of_no_use_is_a_bad_setting(tmp_path: Path, files: dict[str, bytes], fault: str) -> None:
    if files:
        place(tmp_path, {**Authority.make().issue("user"), **files})
    with pytest.raises(BadSettings, match=fault):
        certificates.Certificates(tmp_path)
