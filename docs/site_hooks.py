"""What MkDocs is told beside mkdocs.yml: pages that stand elsewhere in the repository, the picture.

A file such as `deploy/README.md` is read where it stands and shown as a page of the site: nothing
is written twice. Links in it are turned towards the site's pages; one that leads to a file that the
site does not hold becomes the file's name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
ELSEWHERE = {
    "how-to/model-servers.md": "deploy/README.md",
    "project/changelog.md": "CHANGELOG.md",
    "reference/adapters.md": "finetune/README.md",
    "reference/faq-files.md": "faq/README.md",
    "reference/prompts.md": "prompts/README.md",
    "reference/samples.md": "samples/README.md",
    "reference/shipped-adapter.md": "models/adapter/README.md",
    "assets/logo.svg": "chatbot/web/static/favicon.svg",
}
"""Page of the site → file in the repository."""

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:|#)([^)#\s]+)(#[^)]*)?\)")
_PICTURE = re.compile(r'<img [^>]*src="[^"]*architecture\.svg"[^>]*>')


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages that stand elsewhere, and the list of decisions."""
    for page, source in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "adr/index.md", content=decisions()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns links towards the site's pages."""
    uri = page.file.src_uri
    here = ROOT / ELSEWHERE.get(uri, f"docs/{uri}")
    return _LINK.sub(lambda link: _linked(link, here.parent, uri), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Puts the picture itself in the place of a link to it: it then takes the page's colours."""
    return _PICTURE.sub(lambda _: (DOCS / "images/architecture.svg").read_text("utf-8"), html)


def decisions() -> str:
    """The list of the decisions that were taken, the latest first."""
    found = sorted(DOCS.glob("adr/[0-9]*.md"), reverse=True)
    rows = [f"- [{_title(file)}]({file.name})" for file in found]
    about = "What was decided, why, what else was considered, and what it costs. The latest first."
    return "\n".join(["# Decisions", "", about, "", *rows, ""])


def _title(file: Path) -> str:
    return file.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ").strip()


def _linked(link: re.Match[str], folder: Path, uri: str) -> str:
    words, path, anchor = link[1], link[2], link[3] or ""
    target = Path(os.path.normpath(folder / path))
    by_source = {source: page for page, source in ELSEWHERE.items()}
    if not target.is_relative_to(ROOT) or not target.exists():
        return link[0]  # MkDocs says what is wrong with it
    name = target.relative_to(ROOT).as_posix()
    if name == "docs/adr":
        name = "docs/adr/index.md"
    if name not in by_source and not name.startswith("docs/"):
        return f"{words} (`{name}`)" if words != name else f"`{name}`"
    inside = by_source.get(name, name.removeprefix("docs/"))
    return f"[{words}]({os.path.relpath(inside, Path(uri).parent)}{anchor})"
