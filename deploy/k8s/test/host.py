"""What the machine lends to the cluster, and gets back: settings of its kernel, cgroups, mounts."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deploy.k8s.test.place import NAME, ClusterError, Place
from deploy.k8s.test.shell import attempt, wait_for

# The kubelet sets these, for the whole machine.
SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
PROGRAMS = ("ip", "nsenter", "unshare", "iptables", "mount")
SHARED = ("/var/log/containers", "/var/lib/cni/results", "/var/lib/cni", "/run/containerd/s", "/run/containerd")
CGROUPS = Path("/sys/fs/cgroup")
PROC_SYS = Path("/proc/sys")


def refuse_unfit() -> None:
    """Raises ClusterError where no cluster can be, before anything was changed."""
    if os.geteuid() != 0:
        raise ClusterError("a cluster on this machine needs root, for network namespaces, mounts and cgroups")
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        raise ClusterError(f"missing programs: {', '.join(missing)} (packages iproute2, util-linux, iptables)")
    for module in ("overlay", "br_netfilter", "veth", "bridge"):
        if shutil.which("modprobe"):  # else they are built in, or are not
            attempt(["modprobe", module])
    if not (PROC_SYS / "net/bridge/bridge-nf-call-iptables").exists():
        raise ClusterError("this kernel has no br_netfilter")


def remember_settings(place: Place) -> None:
    told = {name: (PROC_SYS / name).read_text().strip() for name in SETTINGS if (PROC_SYS / name).exists()}
    (place.root / "settings.json").write_text(json.dumps(told))


def restore_settings(place: Place) -> None:
    kept = place.root / "settings.json"
    for name, value in json.loads(kept.read_text()).items() if kept.exists() else ():
        (PROC_SYS / name).write_text(value)


def unified() -> bool:
    return (CGROUPS / "cgroup.controllers").exists()


def cgroups() -> list[Path]:
    """Ours, one of each hierarchy."""
    if unified():
        return [CGROUPS / NAME]
    return [folder / NAME for folder in sorted(CGROUPS.iterdir()) if folder.is_dir() and not folder.is_symlink()]


def make_cgroups() -> None:
    for ours in cgroups():
        ours.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # version 1 wants them before it takes a process
            if not unified() and (ours / name).exists():
                (ours / name).write_text((ours.parent / name).read_text())
    if unified():
        for folder in (CGROUPS, CGROUPS / NAME):
            wanted = " ".join(f"+{name}" for name in (folder / "cgroup.controllers").read_text().split())
            (folder / "cgroup.subtree_control").write_text(wanted)


def remove_cgroups() -> None:
    for ours in cgroups():
        for folder in _deepest_first(ours):
            folder.rmdir()


def kill_pods() -> None:
    """Every process in our cgroups: what containers run, and nothing else."""

    def inhabitants() -> set[int]:
        found: set[int] = set()
        for folder in (folder for ours in cgroups() for folder in _deepest_first(ours)):
            with suppress(OSError):
                found |= {int(line) for line in (folder / "cgroup.procs").read_text().split()}
        return found

    def gone() -> bool:
        for pid in inhabitants():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not inhabitants()

    wait_for("the end of the pods", gone, 30)


def kill_shims(place: Place) -> None:
    """containerd's helpers outlive it; those of ours name our socket."""
    for pid in [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]:
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"containerd-shim-runc-v2") and str(place.socket).encode() in words:
                os.kill(pid, signal.SIGKILL)


def unmount(place: Place) -> None:
    """Everything below the run folder, the last first."""
    lines = Path("/proc/mounts").read_text().splitlines()
    for target in reversed([line.split()[1] for line in lines]):
        if target.startswith(f"{place.root}/"):
            _ = attempt(["umount", target]) or attempt(["umount", "--lazy", target])


def _deepest_first(folder: Path) -> Iterator[Path]:
    for above, _, _ in os.walk(folder, topdown=False):
        yield Path(above)


def sweep(place: Place) -> None:
    """What containerd, its shims and the kubelet leave in folders of the machine's."""
    sockets = [path.read_text() for path in place.root.glob("containerd/state/*/k8s.io/*/address")]
    for socket in sockets:
        Path(socket.removeprefix("unix://")).unlink(missing_ok=True)
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and str(link.readlink()).startswith(str(place.root)):
            link.unlink()
    for result in Path("/var/lib/cni/results").glob("*"):
        if f'"{place.root}/' in result.read_text():
            result.unlink()
    for folder in SHARED:
        with suppress(OSError):
            Path(folder).rmdir()  # not when somebody else uses it
