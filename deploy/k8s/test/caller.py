"""`python -m deploy.k8s.test.caller TARGET METHOD [FOLDER]`: one gRPC call with the certificate of FOLDER, or none.

Prints the status that it got. An empty message is enough: who may call is judged before what is asked.
"""

import sys
from pathlib import Path

import grpc


def main(target: str, method: str, folder: str = "") -> None:
    files = [Path(folder, name).read_bytes() for name in ("ca.crt", "tls.key", "tls.crt")] if folder else [None] * 3
    roots = files[0]
    keys = grpc.ssl_channel_credentials(roots, *files[1:]) if folder else None
    channel = grpc.secure_channel(target, keys) if keys else grpc.insecure_channel(target)
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
    try:
        call(b"", timeout=10)
        sys.stdout.write("OK\n")
    except grpc.RpcError as error:
        sys.stdout.write(f"{error.code().name} {error.details()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
