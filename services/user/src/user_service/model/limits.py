"""How often something may be tried: by a device that is known to the account, and by strangers.

Strangers share budgets, a known device has one of its own: whatever strangers do, they do not stop an account's owner
on a device from which the owner logged in before (see docs/adr/0012).
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from kit.quotas import Bucket, Quota

from user_service.model.security import Device


class Action(StrEnum):
    """Of LOG_IN, SECOND_FACTOR, PASSKEY and CONFIRM only failures count, of all others every attempt."""

    LOG_IN = "log_in"
    SECOND_FACTOR = "second_factor"
    PASSKEY = "passkey"
    CONFIRM = "confirm"
    REGISTER = "register"
    FORGOT = "forgot"
    RESET = "reset"
    VERIFY = "verify"
    RESEND = "resend"


class Subject(StrEnum):
    """DEVICE is a known one. ACCOUNT is all strangers together, NETWORK those of one network, both for the same
    account; ADDRESS is one network, whatever account it is after."""

    DEVICE = "device"
    NETWORK = "network"
    ACCOUNT = "account"
    ADDRESS = "address"


Quotas = Mapping[tuple[Action, Subject], Quota]

_MINUTES, _HOUR, _DAY = 15 * 60, 3600, 24 * 3600
DEFAULT_QUOTAS: Quotas = MappingProxyType(
    {
        (Action.LOG_IN, Subject.DEVICE): Quota(10, _MINUTES),
        (Action.LOG_IN, Subject.NETWORK): Quota(10, _MINUTES),
        (Action.LOG_IN, Subject.ACCOUNT): Quota(50, _HOUR),
        (Action.LOG_IN, Subject.ADDRESS): Quota(100, _MINUTES),
        (Action.SECOND_FACTOR, Subject.DEVICE): Quota(10, _HOUR),
        (Action.SECOND_FACTOR, Subject.ACCOUNT): Quota(20, _DAY),
        (Action.PASSKEY, Subject.ADDRESS): Quota(100, _MINUTES),
        (Action.CONFIRM, Subject.DEVICE): Quota(10, _MINUTES),
        (Action.CONFIRM, Subject.NETWORK): Quota(10, _MINUTES),
        (Action.CONFIRM, Subject.ACCOUNT): Quota(50, _HOUR),
        (Action.REGISTER, Subject.ADDRESS): Quota(30, _HOUR),
        (Action.FORGOT, Subject.DEVICE): Quota(5, _HOUR),
        (Action.FORGOT, Subject.NETWORK): Quota(5, _HOUR),
        (Action.FORGOT, Subject.ACCOUNT): Quota(20, _DAY),
        (Action.FORGOT, Subject.ADDRESS): Quota(50, _HOUR),
        (Action.RESET, Subject.ADDRESS): Quota(50, _HOUR),
        (Action.VERIFY, Subject.ADDRESS): Quota(50, _HOUR),
        (Action.RESEND, Subject.ACCOUNT): Quota(5, _HOUR),
        (Action.RESEND, Subject.ADDRESS): Quota(50, _HOUR),
    }
)


def parse_quotas(text: str) -> Quotas:
    """The defaults, changed by `text`: "log_in.network=5/900,register.address=3/60", amount and seconds. Raises
    ValueError."""
    changed = dict(DEFAULT_QUOTAS)
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, quota = part.partition("=")
        action, _, subject = name.partition(".")
        amount, _, seconds = quota.partition("/")
        read = Quota(int(amount), int(seconds))
        if read.amount < 1 or read.seconds < 1:
            raise ValueError(f"a quota of {part} lets nothing through")
        changed[Action(action), Subject(subject)] = read
    return MappingProxyType(changed)


def buckets_for(quotas: Quotas, action: Action, about: str, device: Device, *, known: bool) -> list[Bucket]:
    """`about` is the account as whoever asks names it, empty for none; `known` says that it knows the device."""
    network = network_of(device.address)
    owners = {
        Subject.NETWORK: about and network and f"{network} {about}",
        Subject.ACCOUNT: about,
        Subject.ADDRESS: network,
    }
    if known:
        owners = {Subject.DEVICE: device.token}
    return [
        Bucket(f"{action}-{subject}", f"user:limit:{action}:{subject}:{_digest(owner)}", quota)
        for subject, owner in owners.items()
        if owner and (quota := quotas.get((action, subject)))
    ]


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 that a household gets of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


def _digest(owner: str) -> str:
    """Redis need not know addresses and tokens."""
    return hashlib.sha256(owner.encode(errors="replace")).hexdigest()[:32]
