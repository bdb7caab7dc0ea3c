"""The cluster's network: a namespace with one way out, a pair of veth to this machine. Its rules die with it."""

from pathlib import Path

from deploy.k8s.test.place import HOST_IP, INSIDE, NAME, NODE_IP, VETH
from deploy.k8s.test.shell import attempt, run


def exists() -> bool:
    return Path("/run/netns", NAME).exists()


def up() -> None:
    run(["ip", "netns", "add", NAME])
    run(["ip", "link", "add", VETH, "type", "veth", "peer", "name", "eth0", "netns", NAME])
    run(["ip", "addr", "add", f"{HOST_IP}/30", "dev", VETH])
    run(["ip", "link", "set", VETH, "up"])
    for words in (
        "ip link set lo up",
        f"ip addr add {NODE_IP}/30 dev eth0",
        "ip link set eth0 up",
        f"ip route add default via {HOST_IP}",
        "sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1",
    ):
        run([*INSIDE, *words.split()])


def down() -> None:
    attempt(["ip", "link", "del", VETH])
    attempt(["ip", "netns", "del", NAME])
