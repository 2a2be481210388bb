"""The forms of output, files of pictures, errors, profiles, and help."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import click
import pytest
import pytest_asyncio
import pyvips

from getimg_standin import Fault
from image_grpc.access.callers import create_key
from image_grpc.cli import main
from image_grpc.cli.examples import EXAMPLES
from image_grpc_testkit.eventually import eventually
from tests.access.calls import as_caller
from tests.cli.processes import run
from tests.service import Service, block_generations, new_id, portrait, service

together = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("data")) as running:
        yield running


def at(platform: Service) -> tuple[str, str]:
    return ("--target", platform.running.address)


@together
async def test_a_list_is_a_table_json_lines_or_ids(platform: Service) -> None:
    source = new_id()
    made = [await platform.generate(portrait(details=new_id(), source={"id": source})) for _ in range(3)]
    ids = [each.image.id for each in reversed(made)]
    command = ("image", "list", "--source-id", source, *at(platform))
    _, out, _ = await run(*command, "--output", "ids")
    assert out.split() == ids
    _, out, _ = await run(*command, "--output", "jsonl")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ids
    _, out, _ = await run(*command, "-o", "json")
    assert [each["id"] for each in json.loads(out)["images"]] == ids
    _, out, _ = await run(*command)
    assert re.findall("[0-9a-f-]{36}", out) == ids
    _, out, error = await run(*command, "--limit", "2", "-o", "ids")
    assert out.split() == ids[:2]
    token = error.split("--page-token ")[1].split()[0]
    _, out, _ = await run(*command, "-o", "ids", "--page-token", token)
    assert out.split() == ids[2:]


@together
async def test_a_limit_may_exceed_a_page(platform: Service) -> None:
    source = new_id()
    for _ in range(5):
        await platform.upload(source={"id": source})
    script = "import image_grpc.cli.client as c; c.MAX_PAGE_SIZE = 2; from image_grpc.cli import main; main()"
    arguments = ("image", "list", "--source-id", source, "--limit", "5", "-o", "ids", *at(platform))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert len(set(out.decode().split())) == 5


@together
async def test_tables_fit_a_terminal_of_80_columns(platform: Service) -> None:
    generation = await platform.generate(portrait(details=new_id()))
    for command in (("image", "list"), ("generation", "list"), ("theme", "list"), ("model", "list"), ("status",)):
        lines = await on_a_terminal("-m", "image_grpc", *command, *at(platform))
        assert lines, command
        assert max(map(len, lines)) <= 80, command
    lines = await on_a_terminal("-m", "image_grpc", "generation", "list", *at(platform))
    assert any(generation.id in line for line in lines)


async def on_a_terminal(*arguments: str) -> list[str]:
    """Return the lines that Python prints on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    variables = os.environ | {"COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=variables, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    output = await asyncio.to_thread(lambda: b"".join(_chunks(ours)))
    await process.wait()
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.decode()).splitlines()


def _chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(descriptor, 65_536)
        except OSError:  # Linux's end of the file of a terminal
            return
        if not chunk:
            return
        yield chunk


@together
async def test_the_name_of_a_file_selects_the_format(platform: Service, tmp_path: Path) -> None:
    image = (await platform.generate(portrait(details=new_id()))).image
    for suffix, loader in ((".png", "pngload"), (".jpg", "jpegload"), (".webp", "webpload"), (".avif", "heifload")):
        out = tmp_path / f"hero{suffix}"
        code, _, error = await run("image", "read", image.id, "--out", str(out), *at(platform))
        assert code == 0, error
        assert pyvips.Image.new_from_file(str(out)).get("vips-loader") == loader
    code, _, error = await run("image", "read", image.id, "--out", str(tmp_path / "hero.gif"), *at(platform))
    assert (code, ".avif" in error) == (2, True)
    code, out_text, _ = await run(
        *("image", "read", image.id, "--out", str(tmp_path / "hero.gif"), "--format", "png"), *at(platform)
    )
    assert (code, (tmp_path / "hero.gif").read_bytes()[:4]) == (0, b"\x89PNG")
    assert "64 x 64" in out_text


@together
async def test_a_picture_goes_to_standard_output(platform: Service, tmp_path: Path) -> None:
    image = (await platform.generate(portrait(details=new_id()))).image
    commands = [("image", "read", image.id), ("generate", "portrait", "--theme", "fantasy", "--size", "64x64")]
    for command in commands:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "image_grpc", *command, "--out", "-", *at(platform)),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert out.startswith(b"\x89PNG")
    assert not os.listdir(tmp_path)


@together
async def test_a_picture_that_is_not_waited_for_cannot_be_saved(platform: Service, tmp_path: Path) -> None:
    out = tmp_path / "hero.png"
    command = ("generate", "portrait", "--theme", "fantasy", "--no-wait", "--out", str(out))
    code, _, error = await run(*command, *at(platform))
    assert code == 2
    assert "--no-wait" in error


@together
async def test_generations_are_listed_awaited_watched_and_cancelled(
    platform: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_finish = block_generations(monkeypatch)
    options = ("--theme", "fantasy", "--size", "64x64", "--details", new_id(), "--no-wait", "-o", "ids")
    _, out, error = await run("generate", "portrait", *options, *at(platform))
    id_ = out.strip()
    assert id_, error
    _, out, _ = await run("generation", "list", "--state", "generating", "-o", "ids", *at(platform))
    assert id_ in out.split()
    code, out, _ = await run("generation", "cancel", id_, *at(platform))
    assert (code, "too late" in out) == (0, True)
    watching = asyncio.ensure_future(run("generation", "watch", id_, "-o", "jsonl", *at(platform)))
    may_finish.set()
    code, out, _ = await run("generation", "wait", id_, "--out", str(tmp_path / "hero.jpg"), *at(platform))
    assert code == 0
    assert (tmp_path / "hero.jpg").read_bytes()[:2] == b"\xff\xd8"
    _, out, _ = await watching
    assert [json.loads(line)["state"] for line in out.splitlines()][-1] == "GENERATION_STATE_SUCCEEDED"
    code, out, _ = await run("generation", "get", id_, *at(platform))
    assert (code, "succeeded" in out) == (0, True)


@together
async def test_a_failed_generation_is_an_error(platform: Service) -> None:
    platform.standin.add_fault(Fault(kind="status", status=400, count=1))
    request = portrait(details=new_id(), wait_for={"seconds": 60})
    failed = (await platform.generations.GeneratePortrait(request)).generation
    code, _, error = await run("generation", "wait", failed.id, *at(platform))
    assert (code, "API_ERROR" in error) == (1, True)


@together
async def test_a_cancelled_generation_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_finish = block_generations(monkeypatch)
    async with service(tmp_path / "data", generation_concurrency=1) as running:
        await running.generations.GeneratePortrait(portrait(details="first"))
        await eventually(lambda: running.standin.calls == 1, "the first occupies the only place")
        queued = (await running.generations.GeneratePortrait(portrait(details="second"))).generation
        code, out, _ = await run("generation", "cancel", queued.id, *at(running))
        assert (code, "stopped" in out) == (0, True)
        out_file = tmp_path / "hero.png"
        code, _, error = await run("generation", "wait", queued.id, "--out", str(out_file), *at(running))
        assert (code, "was cancelled" in error, out_file.exists()) == (1, True, False)
        may_finish.set()


@together
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--out", "x.bmp", "--format", "png", "--no-wait"), "excludes --no-wait"),
        (("--out", "x.png", "--dry-run"), "--dry-run"),
        (("--out", "x.png", "--format", "jpeg"), "contradicts"),
        (("--out", "x.avif"), "must end in .png"),
        (("--out", "-", "--json"), "excludes --output"),
        (("--json", "--output", "ids"), "give one of them"),
    ],
)
async def test_options_that_exclude_each_other_are_refused_before_the_call(
    platform: Service, arguments: tuple[str, ...], problem: str
) -> None:
    calls = platform.standin.calls
    code, _, error = await run("generate", "item", "--theme", "fantasy", *arguments, *at(platform))
    assert (code, problem in error, platform.standin.calls) == (2, True, calls)


@together
async def test_a_file_that_cannot_be_written_leaves_nothing_behind(platform: Service, tmp_path: Path) -> None:
    image = (await platform.upload()).id
    (tmp_path / "file").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "hero.png")
    code, _, error = await run("image", "read", image, "--out", str(tmp_path / "file" / "x.png"), *at(platform))
    assert (code, "cannot be written" in error, "Traceback" in error) == (1, True, False)
    code, _, error = await run("image", "read", image, "--out", str(tmp_path / "link.png"), *at(platform))
    assert code == 0, error
    assert (tmp_path / "link.png").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["file", "hero.png", "link.png"]


@together
async def test_a_picture_goes_into_a_pipe(platform: Service, tmp_path: Path) -> None:
    image, pipe = (await platform.upload()).id, str(tmp_path / "pipe.png")
    os.mkfifo(pipe)
    reader = await asyncio.create_subprocess_exec("cat", pipe, stdout=asyncio.subprocess.PIPE)
    code, _, error = await run("image", "read", image, "--out", pipe, *at(platform))
    out, _ = await reader.communicate()
    assert (code, out[:4]) == (0, b"\x89PNG"), error
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


@together
@pytest.mark.parametrize(
    "command",
    [
        ("image", "get", "x", "--version", "99999999999999999999"),
        ("audit", "list", "--since", "999999999d"),
        ("image", "list", "--theme", "\udcff"),
    ],
)
async def test_values_out_of_range_are_usage_errors(platform: Service, command: tuple[str, ...]) -> None:
    code, _, error = await run(*command, *at(platform))
    assert (code, "Traceback" in error) == (2, False)


@pytest.mark.parametrize(
    ("command", "code", "name"),
    [
        (("image", "get", "x"), 2, "INVALID_ARGUMENT"),
        (("image", "get", "5a1d0f0e-6a0c-5c3f-9d53-0d6f2f1c7b11"), 3, "NOT_FOUND"),
        (("theme", "delete", "horror"), 5, "FAILED_PRECONDITION"),
    ],
)
@together
async def test_errors_are_json_for_programs(platform: Service, command: tuple[str, ...], code: int, name: str) -> None:
    exit_code, out, error = await run(*command, "--output", "json", *at(platform))
    failure = json.loads(error)["error"]
    assert (exit_code, out, failure["code"]) == (code, "", name)
    assert failure["reason"]
    if name == "INVALID_ARGUMENT":
        assert failure["field_violations"] == [{"field": "image_id", "description": "must be a valid UUID"}]


@together
async def test_a_profile_names_server_and_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(create_key(tmp_path / "callers", name="ada", role="writer"))
    async with service(tmp_path / "data", api_keys_file=tmp_path / "callers") as running:
        profiles = tmp_path / "profiles.toml"
        profiles.write_text(f'[local]\ntarget = "{running.running.address}"\napi_key_file = "key"\n')
        environment = {"IMAGE_GRPC_PROFILES_FILE": str(profiles)}
        made = await as_caller(running, (tmp_path / "key").read_text()).generate(portrait())
        code, out, error = await run("image", "list", "-o", "ids", "--profile", "local", **environment)
        assert (code, out.split()) == (0, [made.image.id]), error
        code, _, error = await run("image", "list", "--target", running.running.address)
        assert (code, "UNAUTHENTICATED" in error) == (4, True)
        code, _, error = await run("image", "list", "--profile", "other", **environment)
        assert (code, "it has local" in error) == (2, True)
        profiles.write_text("[local]\ntarget = 'x:1'\napi_key = 'secret'\n")
        code, _, error = await run("image", "list", "--profile", "local", **environment)
        assert (code, "local.api_key" in error, "secret" in error) == (2, True, False)
        profiles.write_text(f'[local]\ntarget = "{running.running.address}"\n')
        key = {"IMAGE_GRPC_API_KEY": (tmp_path / "key").read_text()}
        code, _, error = await run("image", "list", "--profile", "local", **environment, **key)
        assert (code, "UNAUTHENTICATED" in error) == (4, True)  # the key is for another server


@together
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_the_shell_completes_commands(shell: str) -> None:
    code, out, _ = await run("completion", shell)
    assert code == 0
    assert "_IMAGE_GRPC_COMPLETE" in out


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}".strip())
        else:
            yield f"{path} {name}".strip()


def test_every_command_has_an_example_that_it_accepts() -> None:
    assert set(commands(main)) <= set(EXAMPLES)
    for path, arguments in EXAMPLES.items():
        command: click.Command = main
        for name in path.split():
            assert isinstance(command, click.Group)
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        if path != "standin":  # which has its options from another command
            assert set(re.findall(r"(--[a-z-]+)", arguments)) <= options, path
        assert f"image-grpc {path}" in command.get_help(click.Context(command))


@together
async def test_help_says_what_exit_codes_mean() -> None:
    _, out, _ = await run("--help")
    assert "  3  does not exist" in out


@together
async def test_logs_are_for_people_on_a_terminal_and_json_otherwise() -> None:
    script = (
        "import structlog; from image_grpc.logs import set_up_logs; set_up_logs('INFO');"
        "structlog.get_logger().info('started', port=7)"
    )
    [line] = await on_a_terminal("-c", script)
    assert re.search(r"started +port=7", line)
    secret = (
        script
        + """
def f(key):
    try:
        1 / 0
    except ArithmeticError:
        structlog.get_logger().exception("failed")
f("sk-" + "secret")
"""
    )
    lines = await on_a_terminal("-c", secret)
    assert "ZeroDivisionError" in "".join(lines)
    assert "sk-secret" not in "".join(lines)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=asyncio.subprocess.PIPE)
    _, error = await process.communicate()
    assert json.loads(error)["event"] == "started"
