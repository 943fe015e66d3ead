"""Writes docs/settings.md from the settings' own descriptions: `python docs/make_settings.py`."""

from __future__ import annotations

from pathlib import Path

from chatbot.settings import Settings


def page() -> str:
    """The page's text."""
    lines = [
        "# Settings",
        "",
        "Environment variables, lines in `.env`, or files of those names in `/run/secrets`.",
        "",
    ]
    lines += ["| variable | default | what it does |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        variable = field.alias or f"COUNTERSIGN_{name.upper()}"
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `{variable}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "settings.md").write_text(page(), encoding="utf-8")
