"""Every command of the tutorial and the how-to pages is run; what they name exists."""

from __future__ import annotations

import re
import runpy
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatbot import opening
from chatbot.adapters import embeddings
from chatbot.adapters.audit import AuditLog
from chatbot.adapters.database import open_database
from chatbot.adapters.embeddings import TextEncoder
from chatbot.adapters.queue import ReviewQueue
from chatbot.gate import HELD_TEXT
from chatbot.opening import Language
from chatbot.settings import Settings, load_settings
from chatbot.steps.review_item import ReviewItem
from tests.docs.guides import DOCS, GUIDES, ROOT, Shell, command_named, commands_of, parse, text_of

# Minutes, a page that waits for a browser, or a file that only the reader has: read, not run.
LONG = re.compile(
    r"chatbot evaluate answers|finetune (dataset|browse|evaluate|train|export|report|promote"
    r"|rollback)\b"
)
SAYS = {
    'ask "How tall is the Eiffel Tower?"': ["not in the documents"],
    "sync my-documents": ["1 added", "1 updated"],
    'ask "Where is the key': ["reception desk", "post room", "Answered before"],
    'ask "Can I take ibuprofen': [HELD_TEXT],
    "review list": ["ibuprofen"],
    "audit show": ["edit by anna"],
    "chatbot cache status": ["answers"],
    "ingest verify": ["all in order"],
    'policy check default "Can I': ["hold"],
    'policy check strict "What': ["hold"],
    "chatbot screen": ['"release"'],
    "evaluate cache": ["2 pairs"],
    "faq check": ["hold."],
}
"""Part of a command → what it says, the first time, the second and so on."""
ABSENT = {"chatbot backup", "ingest erase"}
"""Commands that the pages say are not there yet."""


@pytest.fixture(scope="module", autouse=True)
def _models_once() -> Iterator[None]:
    """The models are loaded once for all the commands, which would each take seconds for it."""
    encoders: dict[str, TextEncoder] = {}
    models: dict[str, Language] = {}
    close, load, encode = Language.close, opening.open_first, embeddings.open_embeddings

    def language(settings: Settings) -> Language:
        if settings.generation_url:
            return load(settings)
        return models.setdefault("", models.get("") or load(settings))

    def encoder(settings: Settings) -> TextEncoder:
        return encoders.setdefault("", encoders.get("") or encode(settings))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chatbot.language.open_first", language)
        patch.setattr(embeddings, "open_embeddings", encoder)
        patch.setattr("ingest.cli.open_embeddings", encoder)
        patch.setattr(Language, "close", lambda _: None)
        yield
    for model in models.values():
        close(model)


@pytest.fixture
def shell(handbook_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    own = Path(shutil.copytree(handbook_home, tmp_path / "own"))
    monkeypatch.setenv("COUNTERSIGN_HOME", str(own))
    (tmp_path / "work").mkdir()
    return Shell(tmp_path / "work", own)


def held_question() -> None:
    """Somebody's question waits at the desk."""
    settings, now = load_settings(), datetime.now(UTC)
    engine = open_database(settings.database_url)
    queue = ReviewQueue(engine, AuditLog(engine, settings.anchor_file))
    question, why = "Can I take ibuprofen?", ("it is about health",)
    queue.submit(
        ReviewItem("item-1", "record-1", "c", "asker", question, "health", why, now,
                   now + timedelta(hours=4))
    )  # fmt: skip
    engine.dispose()


@pytest.mark.parametrize("page", GUIDES)
def test_commands_run_and_say_what_the_page_says(page: str, shell: Shell) -> None:
    if page == "how-to/desk.md":
        held_question()
    heard: dict[str, int] = {}
    for line in commands_of(page):
        if LONG.search(line) or ("doctor" in line and page != "tutorial.md"):
            parse(line)
            continue
        said = shell.run(line)
        for part, wanted in SAYS.items():
            if part in line:
                count = heard[part] = heard.get(part, 0) + 1
                assert wanted[min(count, len(wanted)) - 1] in said, f"{line}\n{said}"


def test_the_json_is_what_the_commands_print(shell: Shell) -> None:
    made = runpy.run_path(str(DOCS / "make_json.py"), run_name="page")
    assert made["page"]() == text_of("reference/json.md"), "run: python docs/make_json.py"


def test_there_is_something_to_run() -> None:
    assert sum(len(commands_of(page)) for page in GUIDES) >= 50


def named(text: str) -> list[str]:
    return re.findall(r"`(?:\.venv/bin/)?((?:chatbot|ingest|finetune) [a-z][^`]*)`", text)


def test_commands_named_in_passing_exist() -> None:
    found = {name for page in DOCS.rglob("*.md") for name in named(page.read_text("utf-8"))}
    hand_written = {n for n in found if " …" not in n and n not in ABSENT}
    for name in sorted(hand_written):
        words = re.sub(r"\|.*", "", name).split()
        if not re.fullmatch(r"[a-z-]+", words[1]):
            continue
        command, rest = command_named([w for w in words if not w.isupper()])
        meant = getattr(command, "commands", {"": command}).values()  # of a group: any of its own
        options = {o for c in meant for p in c.params for o in (*p.opts, *p.secondary_opts)}
        assert {w for w in rest if w.startswith("-")} <= options | {"--help"}, name


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_what_is_said_not_to_be_there_is_not_there(name: str) -> None:
    with pytest.raises(KeyError):
        command_named(name.split())


def test_settings_that_are_named_exist() -> None:
    known = text_of("settings.md")
    for page in (*GUIDES, "index.md", "explanation/verification.md", "explanation/cache.md"):
        for name in re.findall(r"\b(?:COUNTERSIGN|GENERATION)_[A-Z_]+\b", text_of(page)):
            assert f"`{name}`" in known, f"{page}: {name}"


def test_messages_that_are_explained_are_said() -> None:
    """Each message of the troubleshooting page stands in the code."""
    files = [*ROOT.glob("chatbot/**/*.py"), *ROOT.glob("ingest/**/*.py"), ROOT / "Makefile"]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    messages = re.findall(r"\*\*`([^`]+)`\*\*", text_of("how-to/troubleshooting.md"))
    assert len(messages) > 20
    assert [m for m in messages if m not in code] == []


def test_files_that_prove_something_exist() -> None:
    paths = re.findall(
        r"`((?:tests|proof|chatbot|policies|samples)/[\w./]+)`", text_of("security.md")
    )
    assert len(paths) > 20
    assert [p for p in paths if not (ROOT / p).exists()] == []
