"""Makes the Python stubs and the descriptor image of the contracts, without the network.

    python tools/protos.py stubs PROTOS OUT    writes the stubs of the folder PROTOS into the folder OUT
    python tools/protos.py image PROTOS FILE   writes the FileDescriptorSet that buf lints and compares

`buf/validate/validate.proto` comes from the descriptor that the installed protovalidate package carries.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import (
    descriptor_pb2,
    duration_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
)
from protovalidate._gen.buf.validate import validate_pb

WELL_KNOWN = (descriptor_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2)


def dependencies() -> bytes:
    """What our files import, as a serialised FileDescriptorSet."""
    files = descriptor_pb2.FileDescriptorSet()
    for module in WELL_KNOWN:
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().ParseFromString(validate_pb._DESC.proto.to_binary())
    return files.SerializeToString()


def protoc(protos: Path, *arguments: str) -> None:
    """Runs protoc with our folder and the dependencies."""
    with tempfile.NamedTemporaryFile(suffix=".binpb") as known:
        known.write(dependencies())
        known.flush()
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"--descriptor_set_in={known.name}"]
        # The plugins are beside the interpreter, whatever environment is active.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([*command, *arguments], check=True, env=os.environ | {"PATH": path})


def stubs(protos: Path, out: Path) -> None:
    """Messages for every file, RPC stubs for those that have services."""
    files = sorted(str(file.relative_to(protos)) for file in protos.rglob("*.proto"))
    services = [file for file in files if file.endswith("_service.proto")]
    protoc(protos, f"--python_out={out}", f"--pyi_out={out}", *files, "buf/validate/validate.proto")
    protoc(protos, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}", *services)


def image(protos: Path, out: Path) -> None:
    """The descriptors with comments, as `buf lint` and `buf breaking` read them."""
    files = sorted(str(file.relative_to(protos)) for file in protos.rglob("*.proto"))
    protoc(protos, "--include_imports", "--include_source_info", f"-o{out}", *files)


if __name__ == "__main__":
    action, source, target = sys.argv[1:]
    {"stubs": stubs, "image": image}[action](Path(source), Path(target))
