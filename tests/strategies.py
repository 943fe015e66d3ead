"""Records made by hand, and Hypothesis strategies that make many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from chatbot.adapters.catalogue import Catalogue, StoredDocument, StoredPassage
from chatbot.adapters.fakes import HashedEmbeddings
from chatbot.domain import (
    AnswerRecord,
    Citation,
    Decision,
    Document,
    Draft,
    Locator,
    Passage,
    ScoredPassage,
    Status,
    Verdict,
    sha256_of,
)

MODEL = HashedEmbeddings.name


def document(name: str = "Dental cover", **changed: Any) -> Document:
    values: dict[str, Any] = {
        "id": sha256_of(f"{changed.get('collection')} {name}")[:32],
        "collection": "handbook",
        "uri": f"/docs/{name}.md",
        "title": name,
        "version": sha256_of(f"{name} 1"),
        "media_type": "text/markdown",
    }
    return Document(**(values | changed))


def passage(text: str, title: str = "Dental cover", **changed: Any) -> Passage:
    about = {k: changed.pop(k) for k in ("collection", "effective", "expires") if k in changed}
    heading = tuple(changed.pop("heading", ()))
    values: dict[str, Any] = {
        "id": sha256_of(f"{title}\n{text}")[:32],
        "document": document(title, **about),
        "ordinal": 0,
        "text": text,
        "locator": Locator(heading, None, None, 0, len(text)),
    }
    return Passage(**(values | changed))


def draft(text: str = "We pay 80% [1].", quote: str = "We pay 80%.") -> Draft:
    return Draft(text, (Citation(1, passage(quote), quote),))


def released(one: Draft) -> Verdict:
    return Verdict(Decision.RELEASE, one.sha256, (), {"support": 0.9})


def record(drafts: Sequence[Draft] = (), **changed: Any) -> AnswerRecord:
    values: dict[str, Any] = {
        "id": "a" * 32,
        "question": "What do you pay?",
        "standalone": "What do you pay?",
        "status": Status.RELEASED if drafts else Status.REFUSED,
        "mode": "generated" if drafts else "none",
        "sentences": tuple(drafts),
        "verdicts": tuple(released(d) for d in drafts),
        "dropped": (),
        "notices": (),
        "reasons": (),
        "passages": tuple(
            ScoredPassage(c.passage, 0.9, {"dense": 0.8, "lexical": 3.0, "coverage": 1.0})
            for d in drafts
            for c in d.citations
        ),
        "prompts": {"answer": "f" * 64},
        "model": "scripted",
        "adapter": None,
        "embedding_model": "hashed words",
        "index_version": 7,
        "cache": "miss",
        "timings": {"total": 12.5},
        "asked_at": datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
    }
    return AnswerRecord(**(values | changed))


TEXTS = st.text(max_size=60)
WORDS = st.sampled_from(
    "claims claim We pay 80% EUR 1,000 of the bill. Is it? Yes! e.g. Dr. Smith [1] [2, 3] “Never” "
    "1. - * \n \n\n 3.5 U.S. 2026-01-01 etc. Ärzte zahlen. 你好。 end?! (so.) ... No. No".split(" ")
)
PROSE = st.lists(WORDS, max_size=30).map(" ".join)
DAYS = st.none() | st.dates()
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
LOCATORS = st.builds(
    Locator,
    heading=st.lists(TEXTS, max_size=3).map(tuple),
    page=st.none() | st.integers(1, 999),
    anchor=st.none() | TEXTS,
    start=st.integers(0, 10**6),
    end=st.integers(0, 10**6),
)
DOCUMENTS = st.builds(
    Document,
    id=TEXTS,
    collection=TEXTS,
    uri=TEXTS,
    title=TEXTS,
    version=DIGESTS,
    media_type=TEXTS,
    effective=DAYS,
    expires=DAYS,
)
PASSAGES = st.builds(
    Passage,
    id=TEXTS,
    document=DOCUMENTS,
    ordinal=st.integers(0, 999),
    text=TEXTS,
    locator=LOCATORS,
    kind=st.sampled_from(["text", "table", "list", "code"]),
)
CITATIONS = st.builds(Citation, marker=st.integers(1, 20), passage=PASSAGES, quote=TEXTS)
DRAFTS = st.builds(Draft, text=TEXTS, citations=st.lists(CITATIONS, max_size=2).map(tuple))
SCORES = st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False), max_size=3)
REASONS = st.lists(TEXTS, max_size=2).map(tuple)
VERDICTS = st.builds(
    Verdict,
    decision=st.sampled_from(Decision),
    draft_sha256=DIGESTS,
    reasons=REASONS,
    scores=SCORES,
)
RECORDS = st.builds(
    AnswerRecord,
    id=TEXTS,
    question=TEXTS,
    standalone=TEXTS,
    status=st.sampled_from(Status),
    mode=st.sampled_from(["generated", "quotes", "none"]),
    sentences=st.lists(DRAFTS, max_size=2).map(tuple),
    verdicts=st.lists(VERDICTS, max_size=2).map(tuple),
    dropped=st.lists(st.tuples(TEXTS, REASONS), max_size=2).map(tuple),
    notices=REASONS,
    reasons=REASONS,
    passages=st.lists(
        st.builds(ScoredPassage, passage=PASSAGES, score=st.floats(0, 1), scores=SCORES),
        max_size=2,
    ).map(tuple),
    prompts=st.dictionaries(TEXTS, DIGESTS, max_size=2),
    model=TEXTS,
    adapter=st.none() | TEXTS,
    embedding_model=TEXTS,
    index_version=st.integers(0, 10**6),
    cache=st.sampled_from(["miss", "exact", "semantic", "faq"]),
    timings=SCORES,
    asked_at=st.datetimes(timezones=st.just(UTC)),
    reviewer=st.none() | TEXTS,
)


def stored(title: str, *texts: str, **changed: Any) -> StoredDocument:
    """A document on its way into the catalogue; each text is a passage."""
    about = document(title, **changed)
    pieces = tuple(
        StoredPassage(
            Passage(
                sha256_of(f"{about.id}\n{about.version}\n{n}\n{text}")[:32],
                about,
                n,
                text,
                Locator(("Chapter", f"Section {n}"), n + 1, f"a{n}", 10 * n, 10 * n + len(text)),
            ),
            "",
            sha256_of(text),
        )
        for n, text in enumerate(texts)
    )
    return StoredDocument(about, "1 hashed", pieces)


def keep(catalogue: Catalogue, *documents: StoredDocument, model: str = MODEL) -> None:
    """Puts documents into the catalogue, with vectors of hashed words."""
    texts = [p.passage.text for d in documents for p in d.passages]
    vectors = dict(zip(map(sha256_of, texts), HashedEmbeddings().encode(texts), strict=True))
    missing = catalogue.missing_vectors(vectors, model)
    catalogue.store(documents, {key: vectors[key] for key in missing}, model)
