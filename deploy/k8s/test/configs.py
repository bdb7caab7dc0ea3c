"""Configuration files of containerd, its network, the kubelet and kube-proxy."""

import json

import yaml

from deploy.k8s.test.place import DNS_IP, DOMAIN, NAME, NODE, NODE_IP, NODE_PODS, PODS, Place, resolver

PAUSE = "localhost/heliograph-pause:1"
CNI_PLUGINS = "/usr/lib/cni"
UNUSED = ("btrfs", "zfs", "devmapper", "aufs")  # snapshotters


def write(place: Place) -> None:
    files = {
        "containerd.toml": containerd(place),
        "kubelet.yaml": yaml.safe_dump(kubelet(place)),
        "kube-proxy.yaml": yaml.safe_dump(proxy(place)),
        "resolv.conf": resolver(DNS_IP),
        "empty.conf": "nameserver 192.0.2.53\n",  # nothing answers there: names of the world are not looked up
        "cni/net.d/10-pods.conflist": json.dumps(network(place)),
    }
    for name, text in files.items():
        path = place.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def containerd(place: Place) -> str:
    """restrict_oom_score_adj and the like: machines that are containers themselves may not raise limits."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""\
version = 2
root = "{place.root}/containerd/root"
state = "{place.root}/containerd/state"
disabled_plugins = {json.dumps([f"io.containerd.snapshotter.v1.{name}" for name in UNUSED])}
[grpc]
  address = "{place.socket}"
[ttrpc]
  address = "{place.socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{place.root}/containerd/opt"
[{cri}]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
[{cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
  Root = "{place.root}/runc"
[{cri}.cni]
  bin_dir = "{CNI_PLUGINS}"
  conf_dir = "{place.root}/cni/net.d"
"""


def network(place: Place) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": f"{place.root}/cni/addresses",
        "ranges": [[{"subnet": NODE_PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": NAME, "plugins": [{**bridge, "ipam": addresses}, ports]}


def kubelet(place: Place) -> dict[str, object]:
    pki = place.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet-server.key",
        "address": NODE_IP,
        "healthzBindAddress": "127.0.0.1",
        "containerRuntimeEndpoint": f"unix://{place.socket}",
        "clusterDNS": [DNS_IP],
        "clusterDomain": DOMAIN,
        "resolvConf": f"{place.root}/empty.conf",
        "podLogsDir": f"{place.root}/pod-logs",
        "volumePluginDir": f"{place.root}/kubelet-plugins",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{NAME}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "featureGates": {"KubeletInUserNamespace": True},
        "seccompDefault": True,
        "maxPods": 110,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,  # our images cannot be pulled again
        "nodeStatusUpdateFrequency": "4s",
        "syncFrequency": "10s",
    }


def proxy(place: Place) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{place.pki}/proxy.kubeconfig"},
        "mode": "iptables",
        "clusterCIDR": PODS,
        "hostnameOverride": NODE,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # Zeros leave the machine's own settings alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
