"""The rules that every file of the contract follows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import grpc
import protovalidate
import pytest
from google.api import field_behavior_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from tabletop.image.v1.error_reason_pb2 import ErrorReason

from image_grpc_client import SERVICE_CONFIG
from image_grpc_testkit.servers.processes import find_program
from tools import protos

REPOSITORY = Path(__file__).parents[1]
PROTOS = REPOSITORY / "protos"
GO_MODULE = "github.com/tabletop-images/image-grpc/clients/go"

REQUIRED = field_behavior_pb2.REQUIRED
OUTPUT_ONLY = field_behavior_pb2.OUTPUT_ONLY

SourcePath = tuple[int, ...]
Element = tuple[str, SourcePath]
"""The full name of an element of a file, and its path in the source information."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    """The files under protos/tabletop with their comments."""
    image = tmp_path_factory.mktemp("contract") / "image.binpb"
    protos.image(PROTOS, image)
    descriptors = FileDescriptorSet.FromString(image.read_bytes())
    return [file for file in descriptors.file if file.name.startswith("tabletop/")]


def messages(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto, SourcePath]]:
    """Yield the full name, the descriptor and the path of each message, except map entries."""
    stack: list[tuple[str, DescriptorProto, SourcePath]] = [
        (file.package, message, (4, index)) for index, message in enumerate(file.message_type)
    ]
    while stack:
        scope, message, path = stack.pop()
        if message.options.map_entry:
            continue
        name = f"{scope}.{message.name}"
        yield name, message, path
        stack += [(name, nested, (*path, 3, index)) for index, nested in enumerate(message.nested_type)]


def message_elements(file: FileDescriptorProto) -> Iterator[Element]:
    for name, message, path in messages(file):
        yield name, path
        for index, field in enumerate(message.field):
            yield f"{name}.{field.name}", (*path, 2, index)
        synthetic = {field.oneof_index for field in message.field if field.proto3_optional}
        for index, oneof in enumerate(message.oneof_decl):
            if index not in synthetic:
                yield f"{name}.{oneof.name}", (*path, 8, index)
        for index, enum in enumerate(message.enum_type):
            yield from enum_elements(name, enum, (*path, 4, index))


def enum_elements(scope: str, enum: EnumDescriptorProto, path: SourcePath) -> Iterator[Element]:
    yield f"{scope}.{enum.name}", path
    for index, value in enumerate(enum.value):
        yield f"{scope}.{enum.name}.{value.name}", (*path, 2, index)


def elements(file: FileDescriptorProto) -> Iterator[Element]:
    """Yield all elements of a file that need a comment."""
    yield file.name, (2,)
    yield from message_elements(file)
    for index, enum in enumerate(file.enum_type):
        yield from enum_elements(file.package, enum, (5, index))
    for index, extension in enumerate(file.extension):
        yield f"{file.package}.{extension.name}", (7, index)
    for index, service in enumerate(file.service):
        yield f"{file.package}.{service.name}", (6, index)
        for number, method in enumerate(service.method):
            yield f"{file.package}.{service.name}.{method.name}", (6, index, 2, number)


def comments(file: FileDescriptorProto) -> dict[SourcePath, str]:
    """Return the comments of a file by path."""
    return {
        tuple(location.path): " ".join(location.leading_comments.split()) for location in file.source_code_info.location
    }


def behaviors(field: FieldDescriptorProto) -> list[int]:
    return list(field.options.Extensions[field_behavior_pb2.field_behavior])


def rejects_empty(message_name: str) -> set[str]:
    """Return the fields of a message whose empty values break its validation rules."""
    descriptor = descriptor_pool.Default().FindMessageTypeByName(message_name)
    violations = protovalidate.collect_violations(message_factory.GetMessageClass(descriptor)())
    paths = [violation.proto.field.elements for violation in violations if violation.proto.field]
    return {path[0].field_name for path in paths} & set(descriptor.fields_by_name)


def test_language_options_follow_the_package(files: list[FileDescriptorProto]) -> None:
    assert len(files) == len(list(PROTOS.glob("tabletop/**/*.proto")))
    for file in files:
        parts = file.package.split(".")
        options = file.options
        assert file.name.rpartition("/")[0] == "/".join(parts), file.name
        assert options.csharp_namespace == ".".join(part.capitalize() for part in parts), file.name
        assert options.go_package == f"{GO_MODULE}/{'/'.join(parts)};{''.join(parts[1:])}", file.name
        assert options.java_package == f"com.{file.package}", file.name
        assert options.java_multiple_files, file.name


def test_every_element_has_a_comment(files: list[FileDescriptorProto]) -> None:
    names = [
        name
        for file in files
        for documented in [comments(file)]
        for name, path in elements(file)
        if not documented.get(path)
    ]
    assert names == []


def test_request_and_response_messages_name_their_rpc(files: list[FileDescriptorProto]) -> None:
    documented = {name: comments(file).get(path, "") for file in files for name, path in elements(file)}
    for file in files:
        for service in file.service:
            for method in service.method:
                rpc = f"{service.name}.{method.name}"
                for kind, type_name in (("Request", method.input_type), ("Response", method.output_type)):
                    comment = documented[type_name.removeprefix(".")]
                    assert re.match(rf"{kind} message for {rpc}\b", comment), f"{type_name}: {comment}"


def test_a_copy_of_the_folder_compiles_without_other_includes(tmp_path: Path) -> None:
    shutil.copytree(PROTOS, tmp_path / "protos")
    paths = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("tabletop/**/*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", "-oimage.binpb", *paths]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    compiled = FileDescriptorSet.FromString((tmp_path / "image.binpb").read_bytes())
    assert sorted(file.name for file in compiled.file) == paths


@pytest.mark.parametrize("language", ["go", "go-grpc", "java", "csharp", "php", "ruby"])
def test_the_generators_of_other_languages_accept_every_file(language: str, tmp_path: Path) -> None:
    paths = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("tabletop/**/*.proto"))
    command = [find_program("protoc", "protobuf-compiler"), "-I", str(PROTOS), f"--{language}_out={tmp_path}", *paths]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert any(path.is_file() for path in tmp_path.rglob("*"))


def test_buf_works_in_a_plain_copy(tmp_path: Path) -> None:
    shutil.copytree(PROTOS, tmp_path / "protos")
    for name in ("buf.yaml", "buf.gen.yaml"):
        shutil.copy(PROTOS.parent / name, tmp_path)
    environment = os.environ | {"BUF_CACHE_DIR": str(tmp_path / "cache"), "HTTPS_PROXY": "http://127.0.0.1:1"}
    for action in ("lint", "build", "generate"):
        command = [str(Path(sys.executable).with_name("buf")), action]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "gen").iterdir()} == {"csharp", "go", "java", "ruby"}


def test_every_error_reason_starts_with_its_status(files: list[FileDescriptorProto]) -> None:
    (file,) = [file for file in files if file.name.endswith("/error_reason.proto")]
    documented = {name.rpartition(".")[2]: comments(file).get(path, "") for name, path in elements(file)}
    statuses = "|".join(code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK)
    for name in ErrorReason.DESCRIPTOR.values_by_name:
        if name != "ERROR_REASON_UNSPECIFIED":
            assert re.match(rf"({statuses})\b", documented[name]), f"{name}: {documented[name]}"


def test_required_fields_are_those_whose_empty_values_are_invalid(files: list[FileDescriptorProto]) -> None:
    for file in files:
        import_module(file.name.replace("/", ".").replace(".proto", "_pb2"))
    own = [(name, message) for file in files for name, message, _ in messages(file)]
    invalid = {f"{name}.{field}" for name, _ in own for field in rejects_empty(name)}
    required = {
        f"{name}.{field.name}" for name, message in own for field in message.field if REQUIRED in behaviors(field)
    }
    assert len(invalid) > 40
    assert required == invalid


@pytest.mark.parametrize("resource", ["Generation", "Image", "Model", "Overlay"])
def test_all_fields_of_a_resource_are_output_only(files: list[FileDescriptorProto], resource: str) -> None:
    own = [message for file in files for name, message, _ in messages(file) if name == f"tabletop.image.v1.{resource}"]
    assert [message.name for message in own] == [resource]
    assert [field.name for field in own[0].field if OUTPUT_ONLY not in behaviors(field)] == []


def test_the_committed_files_of_the_go_client_are_up_to_date(tmp_path: Path) -> None:
    find_program("protoc-gen-go-grpc", "protoc-gen-go-grpc")
    client = REPOSITORY / "clients" / "go"
    subprocess.run([client / "generate.sh", tmp_path], check=True)
    written = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.go")}
    committed = {path.relative_to(client): path.read_text() for path in (client / "tabletop").rglob("*.go")}
    assert written == committed
    assert (client / "service_config.json").read_text() == SERVICE_CONFIG.read_text()
