"""Fonts shipped with the service, so that text looks the same on every machine.

`tools/fonts.py` builds the files from fonts that are free to modify and distribute; the `LICENSE` files have their
terms. `fonts.conf` puts their families first, then those of the operator's directory, then those of the machine.
"""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from fontTools.ttLib import TTCollection, TTFont, TTLibError

FAMILY = "Tabletop Sans"
"""The family to ask for: `fonts.conf` adds the others."""
FONT_FAMILY = f"{FAMILY}, DejaVu Sans, Noto Sans, sans-serif"
"""Value of `font-family` in documents, which other programs show as well."""

FOLDER = Path(__file__).parent
_VARIABLE, _CONFIGURATION = "FONTCONFIG_FILE", str(FOLDER / "fonts.conf")
_WRITTEN = "image-grpc-fonts.conf"
_FAMILY_NAMES = (1, 16)
"""Ids of the names of a font that are names of its family."""
_WITH_OPERATOR_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{folder}</dir>
  <match target="pattern">
    <test name="family"><string>{family}</string></test>
    <edit name="family" mode="append" binding="strong">{families}</edit>
  </match>
  <!-- Last, so that it puts the shipped families before those above. -->
  <include>{packaged}</include>
</fontconfig>
"""


class FontsNotConfigured(RuntimeError):
    """Text is drawn before `configure`: it would use the fonts of the machine."""


def configure(folder: Path | None = None) -> None:
    """Make fontconfig use the shipped fonts, then those in `folder`, then those of the machine.

    Idempotent; call it before the process renders text.
    """
    os.environ[_VARIABLE] = _CONFIGURATION if folder is None else _write_configuration(folder.absolute())


def require_configured() -> None:
    """Raise FontsNotConfigured unless `configure` is in effect."""
    file = os.environ.get(_VARIABLE, "")
    if file != _CONFIGURATION and Path(file).name != _WRITTEN:
        raise FontsNotConfigured("fonts are not configured, call image_grpc.maps.fonts.configure() at startup")


def packaged_families() -> list[str]:
    """Return the families of the shipped fonts in the order in which they are looked at for a character."""
    (rule,) = (
        match
        for match in ElementTree.parse(_CONFIGURATION).iter("match")  # noqa: S314 - a file of this package
        if match.findtext("test/string") == FAMILY
    )
    return [FAMILY, *(each.text or "" for each in rule.findall("edit/string"))]


def packaged_files() -> list[Path]:
    """Return the files of the shipped fonts."""
    return sorted(file for file in FOLDER.iterdir() if file.suffix in (".ttf", ".otf"))


@cache
def _write_configuration(folder: Path) -> str:
    """Write a configuration that adds the fonts in a folder, for the lifetime of the process. Returns its path."""
    target = Path(tempfile.mkdtemp(prefix="image-grpc-fonts-"))
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    families = "".join(f"<string>{escape(name)}</string>" for name in _families_in(folder))
    file = target / _WRITTEN
    file.write_text(
        _WITH_OPERATOR_FONTS.format(
            packaged=escape(_CONFIGURATION), folder=escape(str(folder)), family=FAMILY, families=families
        ),
        "utf-8",
    )
    return str(file)


def _families_in(folder: Path) -> list[str]:
    """Return the families of the fonts in a folder and the folders in it, in the order of the paths of their files."""
    names: dict[str, None] = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in (".ttf", ".otf", ".ttc", ".otc"):
            names.update(dict.fromkeys(_family_names(file)))
    return list(names)


def _family_names(file: Path) -> list[str]:
    """Return the names of the families in a file, or none if it is no font."""
    is_collection = file.suffix.lower() in (".ttc", ".otc")
    try:
        with TTCollection(file, lazy=True) if is_collection else TTFont(file, lazy=True) as opened:
            fonts = opened.fonts if is_collection else [opened]
            names = [font["name"].getDebugName(id_) for font in fonts for id_ in _FAMILY_NAMES]
        return [name for name in names if name]
    except (TTLibError, KeyError, OSError):
        return []
