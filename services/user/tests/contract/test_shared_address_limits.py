"""Whoever names somebody's address for an account of their own gets no more guesses and sends no more letters by it."""

import grpc
import pytest
from heliograph.user.v1 import credentials_pb2 as cpb
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import ResourceExhausted, Unauthenticated

from .conftest import PASSWORD, Register

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

ANNA, OTHER_PASSWORD = "anna@example.org", "tropical storm"
LETTERS_FROM_ONE_PLACE = 5


async def log_in(users: UserServiceStub, login: str, password: str, token: str = "") -> pb.CreateSessionResponse:
    request = pb.CreateSessionRequest(login=login, password=password, address="192.0.2.1", device_token=token)
    return await users.CreateSession(request)


async def device_of_namesake(users: UserServiceStub) -> str:
    """Of an account that has been made with anna's address, and of no concern to hers."""
    await users.RegisterAccount(pb.RegisterAccountRequest(username="berta", email=ANNA, password=OTHER_PASSWORD))
    return (await log_in(users, "berta", OTHER_PASSWORD)).device_token


async def test_a_device_that_one_account_knows_lets_nobody_guess_at_another_of_the_address(
    users: UserServiceStub, register: Register
) -> None:
    await register("anna")
    token = await device_of_namesake(users)
    with pytest.raises(Unauthenticated):
        await log_in(users, ANNA, PASSWORD, token)
    assert (await log_in(users, ANNA, OTHER_PASSWORD, token)).profile.username == "berta"
    assert (await log_in(users, ANNA, PASSWORD)).profile.username == "anna"


async def test_the_owner_of_an_address_still_has_a_budget_for_a_device_of_their_own(
    users: UserServiceStub, register: Register
) -> None:
    await register("anna")
    own = (await log_in(users, ANNA, PASSWORD)).device_token
    await device_of_namesake(users)
    for number in range(11):
        with pytest.raises(Unauthenticated if number < 10 else ResourceExhausted):
            await log_in(users, ANNA, "wrong horse")
    assert (await log_in(users, ANNA, PASSWORD, own)).profile.username == "anna"


async def test_letters_to_an_owner_are_counted_for_a_device_that_only_a_namesake_knows(
    users: UserServiceStub, register: Register, channel: grpc.aio.Channel
) -> None:
    await register("anna")
    own = (await log_in(users, ANNA, PASSWORD)).device_token
    token, credentials = await device_of_namesake(users), CredentialServiceStub(channel)
    asked = cpb.ForgetPasswordRequest(email=ANNA, address="192.0.2.1")
    for _ in range(LETTERS_FROM_ONE_PLACE):
        await credentials.ForgetPassword(asked)
    asked.device_token = token
    with pytest.raises(ResourceExhausted):
        await credentials.ForgetPassword(asked)
    asked.device_token = own
    await credentials.ForgetPassword(asked)
