import hashlib
import os
import tarfile
import tomllib
from json import loads
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from deploy.k8s.test import certificates, components, configs, images, shell
from deploy.k8s.test.disturbed import held_up
from deploy.k8s.test.place import INSIDE, NODE_IP, Place, asked
from deploy.k8s.test.tools import Tools


def test_a_process_that_got_the_number_of_a_dead_one_is_not_ours(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (place.folder("pids") / "kubelet").write_text(f"{os.getpid()} 1")
    assert shell.alive(place, "kubelet") == 0
    shell.stop(place, "kubelet")  # and so this very test lives on
    assert not (tmp_path / "pids/kubelet").exists()


def test_an_image_names_the_sum_of_its_layer(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    images.write(tmp_path / "pause.tar", "localhost/pause:1", program)
    with tarfile.open(tmp_path / "pause.tar") as tar:
        (manifest,) = loads(_content(tar, "manifest.json"))
        config, layer = loads(_content(tar, manifest["Config"])), _content(tar, manifest["Layers"][0])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert config["config"]["Entrypoint"] == ["/bin/pause"]
    assert manifest["RepoTags"] == ["localhost/pause:1"]


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def test_parts_log_in_with_certificates_of_one_authority(tmp_path: Path) -> None:
    certificates.make(tmp_path)
    authority = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    for who in certificates.PARTS:
        made = x509.load_pem_x509_certificate((tmp_path / f"{who.file}.crt").read_bytes())
        made.verify_directly_issued_by(authority)
    names = x509.load_pem_x509_certificate((tmp_path / "apiserver.crt").read_bytes()).extensions
    found = names.get_extension_for_class(x509.SubjectAlternativeName).value
    assert NODE_IP in [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    assert (tmp_path / "admin.key").stat().st_mode & 0o077 == 0
    assert yaml.safe_load((tmp_path / "kubelet.kubeconfig").read_text())["kind"] == "Config"


def test_what_is_written_stays_below_the_run_folder(tmp_path: Path) -> None:
    configs.write(Place(tmp_path))
    told = tomllib.loads((tmp_path / "containerd.toml").read_text())
    assert told["root"].startswith(str(tmp_path))
    assert told["state"].startswith(str(tmp_path))
    kubelet = yaml.safe_load((tmp_path / "kubelet.yaml").read_text())
    assert kubelet["podLogsDir"].startswith(str(tmp_path))
    assert kubelet["cgroupRoot"] == "/heliograph-k8s"


def test_every_part_is_started_with_options_of_its_own(tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("etcd", "containerd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"):
        (bin_ / name).touch(mode=0o755)
    (bin_ / "kube-proxy").touch(mode=0o755)
    told = components.commands(Place(tmp_path), Tools(str(bin_)))
    assert next(iter(told)) == "etcd"
    assert all(word.startswith("--") for words in told.values() for word in words[1:])


def test_a_drain_that_fails_for_another_reason_is_not_held_up() -> None:
    assert held_up("Cannot evict pod as it would violate the pod's disruption budget.")
    assert not held_up("nodes is forbidden")


def test_a_cluster_that_is_named_is_neither_made_nor_entered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HELIOGRAPH_K8S_ROOT", str(tmp_path / "made"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    made = asked()
    assert (made.root, made.given, made.enter) == (tmp_path / "made", None, INSIDE)
    assert made.kubeconfig.is_relative_to(made.root)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "theirs"))
    named = asked()
    assert (named.kubeconfig, named.enter) == (tmp_path / "theirs", ())
    assert named.root != made.root
