"""Programs of the control plane and of the node, with what they are told."""

from deploy.k8s.test.place import DOMAIN, NODE, NODE_IP, PODS, SERVICES, Place
from deploy.k8s.test.tools import Tools

ETCD = "http://127.0.0.1:2379"


def commands(place: Place, tools: Tools) -> dict[str, list[str]]:
    """By name, in the order of their start."""
    options = {
        "etcd": _etcd(place),
        "containerd": {"config": f"{place.root}/containerd.toml"},
        "kube-apiserver": _api(place),
        "kube-controller-manager": _controllers(place),
        "kube-scheduler": _own(place, "scheduler"),
        "kubelet": _kubelet(place),
        "kube-proxy": {"config": f"{place.root}/kube-proxy.yaml"},
    }
    return {
        name: [tools.program(name), *(f"--{option}={value}" for option, value in told.items())]
        for name, told in options.items()
    }


def _etcd(place: Place) -> dict[str, str]:
    return {
        "data-dir": str(place.folder("etcd")),
        "listen-client-urls": ETCD,
        "advertise-client-urls": ETCD,
        "listen-peer-urls": "http://127.0.0.1:2380",
        "unsafe-no-fsync": "true",  # nothing here is kept
    }


def _api(place: Place) -> dict[str, str]:
    pki = place.pki
    return {
        "etcd-servers": ETCD,
        "bind-address": NODE_IP,
        "advertise-address": NODE_IP,
        "service-cluster-ip-range": SERVICES,
        "service-account-issuer": f"https://kubernetes.default.svc.{DOMAIN}",
        "service-account-key-file": f"{pki}/sa.pub",
        "service-account-signing-key-file": f"{pki}/sa.key",
        "tls-cert-file": f"{pki}/apiserver.crt",
        "tls-private-key-file": f"{pki}/apiserver.key",
        "client-ca-file": f"{pki}/ca.crt",
        "kubelet-client-certificate": f"{pki}/apiserver-kubelet.crt",
        "kubelet-client-key": f"{pki}/apiserver-kubelet.key",
        "kubelet-certificate-authority": f"{pki}/ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        **_aggregation(place),
    }


def _aggregation(place: Place) -> dict[str, str]:
    """How the metrics server is asked."""
    return {
        "enable-aggregator-routing": "true",
        "requestheader-client-ca-file": f"{place.pki}/ca.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": f"{place.pki}/front-proxy.crt",
        "proxy-client-key-file": f"{place.pki}/front-proxy.key",
    }


def _own(place: Place, who: str) -> dict[str, str]:
    kubeconfig = f"{place.pki}/{who}.kubeconfig"
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
    }


def _controllers(place: Place) -> dict[str, str]:
    """Autoscalers look more often than elsewhere, or nobody would wait for them."""
    return {
        **_own(place, "controller-manager"),
        "service-account-private-key-file": f"{place.pki}/sa.key",
        "root-ca-file": f"{place.pki}/ca.crt",
        "use-service-account-credentials": "true",
        "cluster-cidr": PODS,
        "allocate-node-cidrs": "false",
        "horizontal-pod-autoscaler-sync-period": "5s",
        "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
        "horizontal-pod-autoscaler-cpu-initialization-period": "20s",
    }


def _kubelet(place: Place) -> dict[str, str]:
    return {
        "config": f"{place.root}/kubelet.yaml",
        "kubeconfig": f"{place.pki}/kubelet.kubeconfig",
        "root-dir": str(place.folder("kubelet")),
        "cert-dir": str(place.pki),
        "hostname-override": NODE,
        "node-ip": NODE_IP,
    }
