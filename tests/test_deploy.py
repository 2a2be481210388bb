"""What is in `deploy/` is YAML, and speaks of settings, commands and secrets that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from image_grpc.cli import main
from image_grpc.settings import EmbeddedSettings, variable

DEPLOY = Path(__file__).parents[1] / "deploy"
FILES = sorted(DEPLOY.rglob("*.yaml"))
VARIABLES = {variable(name) for name in EmbeddedSettings.model_fields}


def documents(kind: str) -> list[dict[str, Any]]:
    """Objects of a kind in the folder for Kubernetes."""
    every = [
        each for file in (DEPLOY / "kubernetes").glob("*.yaml") for each in yaml.safe_load_all(file.read_text())
    ]
    return [each for each in every if each["kind"] == kind]


def containers() -> Iterator[dict[str, Any]]:
    for deployment in documents("Deployment"):
        yield from deployment["spec"]["template"]["spec"]["containers"]


def services() -> dict[str, dict[str, Any]]:
    """Services of the compose file that run this program."""
    every = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return {name: each for name, each in every.items() if each["image"].startswith("image-grpc")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_variable_exists(file: Path) -> None:
    text = file.read_text()
    assert all(yaml.safe_load_all(text))
    assert set(re.findall(r"\b(?:IMAGE_GRPC|GETIMG)_[A-Z_]+", text)) <= VARIABLES


def test_every_command_exists() -> None:
    commands = [each["command"].split()[0] for each in services().values()]
    commands += [each["args"][0] for each in containers()]
    assert set(commands) == {"serve", "storage", "standin", "bridge"} <= main.commands.keys()


def test_there_is_time_to_stop() -> None:
    given = {each["metadata"]["name"]: each["data"] for each in documents("ConfigMap")}
    deployed = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in documents("Deployment")}
    for name in ("image-grpc-serve", "image-grpc-bridge"):
        needed = float(given[name].get("IMAGE_GRPC_DRAIN_SECONDS", 0))
        needed += float(given[name]["IMAGE_GRPC_SHUTDOWN_GRACE_SECONDS"])
        assert deployed[name]["terminationGracePeriodSeconds"] >= needed + 10


def test_secrets_are_referred_to_only() -> None:
    assert documents("Secret") == []
    for container in containers():
        for each in container["env"]:
            assert set(each) == {"name", "valueFrom"}


def test_every_deployment_is_guarded() -> None:
    guarded = [each["spec"]["selector"]["matchLabels"] for each in documents("PodDisruptionBudget")]
    for deployment in documents("Deployment"):
        assert deployment["spec"]["selector"]["matchLabels"] in guarded
        assert (
            deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
        )
    for container in containers():
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["resources"]["limits"]["memory"]
