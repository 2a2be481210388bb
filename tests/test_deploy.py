"""The files in `deploy/` are valid YAML and refer to existing settings, commands and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from image_grpc.cli import main
from image_grpc.settings import ClientSettings, EmbeddedSettings, variable

DEPLOY = Path(__file__).parents[1] / "deploy"
FILES = sorted(DEPLOY.rglob("*.yaml"))
VARIABLES = {variable(name) for class_ in (EmbeddedSettings, ClientSettings) for name in class_.model_fields}


def documents(kind: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects of a kind."""
    files = (DEPLOY / "kubernetes").glob("*.yaml")
    objects = [object_ for file in files for object_ in yaml.safe_load_all(file.read_text())]
    return [object_ for object_ in objects if object_["kind"] == kind]


def containers() -> Iterator[dict[str, Any]]:
    for deployment in documents("Deployment"):
        yield from deployment["spec"]["template"]["spec"]["containers"]


def own_services() -> dict[str, dict[str, Any]]:
    """Return the services of the compose file that run this program."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return {name: service for name, service in services.items() if service["image"].startswith("image-grpc")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_variable_exists(file: Path) -> None:
    text = file.read_text()
    assert all(yaml.safe_load_all(text))
    assert set(re.findall(r"\b(?:IMAGE_GRPC|GETIMG)_[A-Z_]+", text)) <= VARIABLES


def test_every_command_exists() -> None:
    commands = [service["command"].split()[0] for service in own_services().values()]
    commands += [container["args"][0] for container in containers()]
    assert set(commands) == {"serve", "storage", "standin", "bridge"} <= main.commands.keys()


def test_the_grace_period_covers_drain_and_shutdown() -> None:
    settings = {config["metadata"]["name"]: config["data"] for config in documents("ConfigMap")}
    pods = {
        deployment["metadata"]["name"]: deployment["spec"]["template"]["spec"] for deployment in documents("Deployment")
    }
    for name in ("image-grpc-serve", "image-grpc-bridge"):
        needed = float(settings[name].get("IMAGE_GRPC_DRAIN_SECONDS", 0))
        needed += float(settings[name]["IMAGE_GRPC_SHUTDOWN_GRACE_SECONDS"])
        assert pods[name]["terminationGracePeriodSeconds"] >= needed + 10


def test_secrets_are_only_referenced() -> None:
    assert documents("Secret") == []
    for container in containers():
        for variable_ in container["env"]:
            assert set(variable_) == {"name", "valueFrom"}


def test_every_deployment_has_a_disruption_budget_and_limits() -> None:
    budgeted = [budget["spec"]["selector"]["matchLabels"] for budget in documents("PodDisruptionBudget")]
    for deployment in documents("Deployment"):
        labels = deployment["spec"]["selector"]["matchLabels"]
        assert labels in budgeted
        assert labels == deployment["spec"]["template"]["metadata"]["labels"]
    for container in containers():
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["resources"]["limits"]["memory"]
