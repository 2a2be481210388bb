"""Passwords in arguments are used with a warning: everybody on the host can read them."""

from __future__ import annotations

import pytest

from tests.cli.processes import run

AMQP, POSTGRESQL = "amqp://user:sentinel@127.0.0.1:1/", "postgresql://user:sentinel@127.0.0.1:1/none"
COMMANDS = [
    (["serve"], "--hub-url", AMQP),
    (["serve", "--workers", "2"], "--hub-url", AMQP),
    (["storage"], "--hub-url", AMQP),
    (["bridge"], "--hub-url", AMQP),
    (["dead-letters", "list"], "--hub-url", AMQP),
    (["dead-letters", "discard", "--all"], "--hub-url", AMQP),
    (["generation", "requeue"], "--hub-url", AMQP),
    (["costs"], "--hub-url", AMQP),
    (["storage", "verify"], "--database-url", POSTGRESQL),
    (["storage", "verify"], "--database-url", "postgresql://127.0.0.1:1/none?user=user&password=sentinel"),
]


@pytest.mark.parametrize(("command", "option", "url"), COMMANDS)
async def test_a_password_in_an_argument_is_a_warning(command: list[str], option: str, url: str) -> None:
    variable = f"IMAGE_GRPC_{option.removeprefix('--').replace('-', '_').upper()}"
    _, out, error = await run(*command, option, url)
    assert f"warning: everybody on this host can read the password in {option}; set {variable}, or" in error
    assert "sentinel" not in out + error


@pytest.mark.parametrize("command", [["storage"], ["serve"], ["dead-letters", "list"]])
async def test_a_url_without_a_password_or_in_the_environment_is_no_problem(command: list[str]) -> None:
    url = "amqp://127.0.0.1:1/?heartbeat=10"
    code, _, error = await run(*command, "--hub-url", url)
    assert code == 1
    assert "everybody on this host" not in error
    code, _, error = await run(*command, IMAGE_GRPC_HUB_URL="amqp://user:sentinel@127.0.0.1:1/")
    assert code == 1
    assert "everybody on this host" not in error
