import pytest
from kit.quotas import Quota
from user_service.model.limits import DEFAULT_QUOTAS, Action, Subject, buckets_for, network_of, parse_quotas
from user_service.model.security import Device

HERE = Device("192.0.2.1", token="hgd_x")


def keys(action: Action, about: str, device: Device, *, known: bool = False) -> list[str]:
    return [bucket.key for bucket in buckets_for(DEFAULT_QUOTAS, action, about, device, known=known)]


def names(action: Action, about: str, device: Device, *, known: bool = False) -> list[str]:
    return [bucket.name for bucket in buckets_for(DEFAULT_QUOTAS, action, about, device, known=known)]


def test_a_stranger_is_limited_by_network_account_and_address() -> None:
    assert names(Action.LOG_IN, "anna", HERE) == ["log_in-network", "log_in-account", "log_in-address"]


def test_a_known_device_is_limited_by_itself_alone() -> None:
    assert names(Action.LOG_IN, "anna", HERE, known=True) == ["log_in-device"]


def test_every_guess_at_an_account_is_limited_for_known_devices_too() -> None:
    for action in (Action.LOG_IN, Action.SECOND_FACTOR, Action.CONFIRM, Action.FORGOT):
        assert (action, Subject.DEVICE) in DEFAULT_QUOTAS
        assert (action, Subject.ACCOUNT) in DEFAULT_QUOTAS


def test_what_has_no_address_is_limited_by_account_alone() -> None:
    assert names(Action.LOG_IN, "anna", Device()) == ["log_in-account"]
    assert names(Action.REGISTER, "", Device()) == []


def test_accounts_and_networks_have_budgets_of_their_own() -> None:
    here, there = keys(Action.LOG_IN, "anna", HERE), keys(Action.LOG_IN, "anna", Device("192.0.2.2"))
    assert [a == b for a, b in zip(here, there, strict=True)] == [False, True, False]
    other = keys(Action.LOG_IN, "berta", HERE)
    assert [a == b for a, b in zip(here, other, strict=True)] == [False, False, True]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_a_household_is_one_place(address: str, network: str) -> None:
    assert network_of(address) == network


def test_settings_change_single_quotas() -> None:
    changed = parse_quotas("log_in.network=5/10, register.address=2/60")
    assert changed[Action.LOG_IN, Subject.NETWORK] == Quota(5, 10)
    assert changed[Action.REGISTER, Subject.ADDRESS] == Quota(2, 60)
    assert changed[Action.LOG_IN, Subject.DEVICE] == DEFAULT_QUOTAS[Action.LOG_IN, Subject.DEVICE]


@pytest.mark.parametrize("text", ["x", "log_in.network", "log_in.network=1", "log_in.network=0/1", "cat.device=1/1"])
def test_settings_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_quotas(text)
