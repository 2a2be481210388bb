"""A hook of mkdocs: links to files outside of docs/ become links to the repository. See mkdocs.yml.

In the sources they are relative, so that they work in a checkout and on GitHub as well.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

REPOSITORY = "https://github.com/tabletop-images/image-grpc"

_RELATIVE = re.compile(r"\]\((\.\./[^)#\s]*)")


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the content of a page with its links to the repository. Raises PluginError if a file does not exist."""
    docs = Path(config.docs_dir)
    folder = posixpath.dirname(f"{docs.name}/{page.file.src_uri}")

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        if target.startswith(f"{docs.name}/"):
            return match[0]
        path = docs.parent / target
        if target.startswith("..") or not path.exists():
            raise PluginError(f"{page.file.src_uri}: {match[1]} does not exist")
        return f"]({REPOSITORY}/{'tree' if path.is_dir() else 'blob'}/main/{target}"

    return _RELATIVE.sub(link, markdown)
