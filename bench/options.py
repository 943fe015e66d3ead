"""What a run measures, and where it keeps what it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANUAL = Path("/usr/share/doc/postgresql-doc-15/html")
HANDBOOK = ROOT / "samples" / "handbook"
SECTIONS = ("index", "retrieval", "answers", "start")


@dataclass(frozen=True, slots=True)
class Options:
    """One run.

    Attributes:
        folder: the documents; `pages` of them, drawn with `seed`, are indexed.
        questions: JSON lines with `question`, and `pages` or `document` that answer it.
        xquad: SQuAD-formatted file for the ranking scores; they are left out when it is absent.
        work: where indexes, prepared models and results are kept between runs.
        repeats: how often each of the cheap things is done; the index is built `builds` times.
    """

    folder: Path
    questions: Path
    xquad: Path
    work: Path
    pages: int = 150
    seed: int = 7
    repeats: int = 3
    builds: int = 2
    queries: int = 200
    asked: int = 15

    @property
    def documents(self) -> Path:
        """The sample of pages that both sides index."""
        return self.work / "pages"

    @property
    def models(self) -> Path:
        """Countersign's prepared embedding model."""
        return self.work / "models"

    def home(self, side: str) -> Path:
        """Where a side keeps its index."""
        return self.work / side

    def key(self) -> str:
        """What must be the same for an earlier result to stand."""
        return (
            f"{self.folder} {self.pages} {self.seed} {self.questions} {self.xquad} "
            f"{self.repeats} {self.builds} {self.queries} {self.asked}"
        )


def default_folder() -> Path:
    """The PostgreSQL manual where Debian puts it, else the sample handbook."""
    return MANUAL if MANUAL.is_dir() else HANDBOOK


def default_questions(folder: Path) -> Path:
    """Questions about those documents."""
    if folder == HANDBOOK:
        return ROOT / "samples" / "questions.jsonl"
    return ROOT / "docs" / "experiments" / "questions" / "manuals_dev.jsonl"
