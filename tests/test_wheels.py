"""The wheels of this repository work where no checkout is: they are built, installed and used for the demo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import pyvips

ROOT = Path(__file__).parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "clients/python", "src", "packages")
PACKAGES = ("clients/python", ".", "packages/getimg-standin")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
LOCATIONS = "import image_grpc, getimg_standin as s; print(image_grpc.__file__); print(s.__file__)"


def run(*command: str | Path, cwd: Path) -> str:
    """Return the standard output of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # The demo must use the stand-in, whatever the environment of the tests says.
    environment = {name: value for name, value in environment.items() if "GETIMG" not in name}
    environment["IMAGE_GRPC_STANDIN_LATENCY_SECONDS"] = "0"
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)  # noqa: PLW1510
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheels of all packages, built from copies of the sources so that no stale build files get into them."""
    copy, wheels = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheels")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
        else:
            shutil.copy(source, copy / name)
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    run(*PIP, "wheel", *offline, "--wheel-dir", wheels, *PACKAGES, cwd=copy)
    return sorted(wheels.iterdir())


@pytest.fixture(scope="module")
def environment(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheels; their dependencies come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    # A path entry does not run the .pth files in that folder, so its editable installs have no effect.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin" / "python"
    run(*PIP, f"--python={python}", "install", "--no-index", "--no-deps", "--ignore-installed", *wheels, cwd=folder)
    return folder


@pytest.mark.timeout(300)
def test_the_demo_saves_a_picture_of_each_kind_from_wheels(environment: Path, tmp_path: Path) -> None:
    locations = run(environment / "bin" / "python", "-c", LOCATIONS, cwd=tmp_path).split()
    assert all(Path(location).is_relative_to(environment) for location in locations)
    out = run(environment / "bin" / "image-grpc", "demo", "--out", tmp_path / "pictures", cwd=tmp_path)
    files = sorted((tmp_path / "pictures").iterdir())
    assert [file.name for file in files] == [
        "campaign-map-composed.jpg",
        "campaign-map.jpg",
        "floor-plan.json",
        "floor-plan.png",
        "item.png",
        "portrait-cyberpunk.webp",
        "portrait.webp",
        "tactical-map-composed.jpg",
        "tactical-map-foundry.zip",
        "tactical-map-horror-composed.jpg",
        "tactical-map-horror.png",
        "tactical-map-players-door-open.jpg",
        "tactical-map-players.jpg",
        "tactical-map.png",
        "tactical-map.uvtt",
    ]
    for file in files:
        if file.suffix in (".json", ".zip", ".uvtt"):
            continue
        assert pyvips.Image.new_from_file(str(file)).avg() > 0
    assert "Events received from the hub: 7 image_generated, 2 overlay_updated, 2 theme_applied" in out
    assert "restored as version 3" in out
    assert "served from the cache" in out
    assert "follows a floor plan with a score of 1.00" in out
    assert re.search(r"the gunslinger sees (\d+) cells instead of (\d+)", out)


def test_the_standin_has_its_own_command(environment: Path, tmp_path: Path) -> None:
    text = run(environment / "bin" / "getimg-standin", "--help", cwd=tmp_path)
    assert (
        run(environment / "bin" / "image-grpc", "standin", "--help", cwd=tmp_path).split()
        == text.replace("getimg-standin", "image-grpc standin").split()
    )


def test_each_wheel_has_its_license_and_types(wheels: list[Path]) -> None:
    assert [wheel.name.partition("-")[0] for wheel in wheels] == ["getimg_standin", "image_grpc", "image_grpc_client"]
    for wheel in wheels:
        names = run(sys.executable, "-m", "zipfile", "--list", wheel, cwd=wheel.parent)
        assert "LICENSE" in names
        assert "py.typed" in names
        assert "tests/" not in names
