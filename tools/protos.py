"""Compiles the contracts without network access.

python tools/protos.py stubs PROTOS OUT    writes the Python stubs of the folder PROTOS into the folder OUT
python tools/protos.py image PROTOS FILE   writes the FileDescriptorSet that buf lints and compares
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def protoc(protos: Path, *arguments: str) -> None:
    """Run protoc on the folder `protos`, which contains everything that our files import."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}"]
    # The plugins are next to the interpreter, whichever environment is active.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([*command, *arguments], check=True, env=os.environ | {"PATH": path})


def stubs(protos: Path, out: Path) -> None:
    """Write messages for every file and RPC stubs for those that have services.

    The modules of google.api come from the package googleapis-common-protos.
    """
    files = sorted(str(file.relative_to(protos)) for file in protos.rglob("*.proto"))
    ours = [file for file in files if not file.startswith("google/")]
    services = [file for file in files if file.endswith("_service.proto")]
    protoc(protos, f"--python_out={out}", f"--pyi_out={out}", *ours)
    protoc(protos, f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}", *services)


def image(protos: Path, out: Path) -> None:
    """Write the descriptors with their comments, as `buf lint` and `buf breaking` read them."""
    files = sorted(str(file.relative_to(protos)) for file in protos.rglob("*.proto"))
    protoc(protos, "--include_imports", "--include_source_info", f"-o{out}", *files)


if __name__ == "__main__":
    action, source, target = sys.argv[1:]
    {"stubs": stubs, "image": image}[action](Path(source), Path(target))
