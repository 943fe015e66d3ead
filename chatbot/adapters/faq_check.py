"""Holds the FAQ's answers against the documents as they are now, sentence by sentence.

The same checks as on what a model writes: the figures and names of a sentence stand in one quote,
it is near to it in meaning, it does not say the opposite, and the router lets it pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

import numpy as np
from langchain_core.embeddings import Embeddings

from chatbot.adapters.catalogue import Catalogue
from chatbot.adapters.retrieval import HybridRetriever
from chatbot.checking import Router
from chatbot.clock import Clock, utc_now
from chatbot.domain import Decision, Document, Draft, Passage, Verdict
from chatbot.errors import NotFound
from chatbot.faq_files import Source, Written
from chatbot.steps import verify
from chatbot.steps.edited import edited
from chatbot.steps.evidence import Evidence, evidence_of, quotable
from chatbot.steps.faq import FAILED, FILE, FaqEntry, FaqState, cited_only
from chatbot.steps.faq_sources import Place, evidence_at, marked, named, place_of
from chatbot.steps.fragment import is_fragment
from chatbot.steps.review_item import Answer

_CANDIDATES = 4


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer that was held against documents; a verdict for each sentence."""

    answer: Answer
    verdicts: tuple[Verdict, ...]


class FaqChecker:
    """Checks what people wrote.

    Args:
        least: least cosine of a sentence and its source.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        retriever: HybridRetriever,
        router: Router,
        least: float,
        clock: Clock = utc_now,
    ) -> None:
        self._catalogue = catalogue
        self._retriever = retriever
        self._embeddings: Embeddings = retriever.embeddings
        self._router = router
        self._least = least
        self._clock = clock

    def written(self, one: Written) -> FaqEntry:
        """The entry that a file names: live where all of it holds, else suspended with why."""
        places, faults = self._places(one)
        evidence = [self._at(n, p) for n, p in enumerate(places, 1) if p]
        checked = self._check(one.question, one.answer, evidence)
        for n, problems in enumerate(checked.answer.problems, 1):
            faults += [f"sentence {n}: {'; '.join(problems)}"] if problems else []
        cited = {c.marker for c in checked.answer.citations}
        for n, source in enumerate(one.sources, 1):
            if not faults and n not in cited:
                faults.append(f"{one.file}, line {source.line}: no sentence rests on these words")
        state = FaqState.SUSPENDED if faults else FaqState.LIVE
        return FaqEntry(
            id=one.id,
            question=one.question,
            alternatives=one.alternatives,
            answer=checked.answer,
            author=one.owner or one.file,
            owner=one.owner,
            effective=one.effective,
            expires=one.expires,
            changed_at=self._clock(),
            state=state,
            reason=FAILED + "; ".join(faults) if faults else "",
            note=self.note(one.question),
            verdicts=() if faults else checked.verdicts,
            origin=FILE + one.file,
            digest=one.digest,
        )

    def holds(self, collection: str) -> bool:
        """Whether there are documents in that collection."""
        return bool(self._catalogue.documents([collection]))

    def again(self, entry: FaqEntry) -> Answer:
        """The entry's sentences, resting on the documents as they are now.

        What its own documents do not support any more rests on what else is found; what nothing
        supports is marked.
        """
        found = [p for c in entry.answer.citations if (p := self._moved(c.passage, c.quote))]
        own = list(dict.fromkeys(p.passage for p in found))
        near = [p for p in self.near(entry) if p.id not in {o.id for o in own}]
        evidence = [self._whole(n, p) for n, p in enumerate([*own, *near], 1)]
        sentences = [verify.split_markers(s.text)[0] for s in entry.answer.sentences]
        first = self._check(entry.question, sentences, evidence[: len(own)])
        second = self._check(entry.question, sentences, evidence)
        drafts, problems = [], []
        for mine, any_ in zip(_pairs(first.answer), _pairs(second.answer), strict=True):
            draft, against = any_ if mine[1] else mine
            drafts.append(draft)
            problems.append(against)
        return cited_only(Answer(tuple(drafts), (), tuple(problems)))

    def edited(self, entry: FaqEntry, question: str, text: str) -> Answer:
        """A person's text, its markers resolved to `evidence`, with what the checks say of it.

        Raises:
            NotAllowed: it is empty, or a marker points at no passage.
        """
        passages = self.evidence(entry)
        written = edited(text, Answer(entry.answer.sentences, passages))
        evidence = [self._whole(n, p) for n, p in enumerate(passages, 1)]
        checked = self._check(question, [s.text for s in written.sentences], evidence)
        return cited_only(replace(written, evidence=(), problems=checked.answer.problems))

    def evidence(self, entry: FaqEntry) -> tuple[Passage, ...]:
        """The passages that an editor may cite: those that are cited, then others that fit."""
        own = entry.answer.evidence
        return (*own, *(p for p in self.near(entry) if p.id not in {o.id for o in own}))

    def near(self, entry: FaqEntry) -> list[Passage]:
        """What retrieval finds for the question, in the entry's collections."""
        found = self._retriever.find(entry.question, _CANDIDATES, entry.collections or None)
        return [scored.passage for scored in found]

    def note(self, question: str) -> str:
        """Why such a question is never answered from the FAQ; empty: it is."""
        screening = self._router.screen(question, ())
        if screening.decision is Decision.RELEASE:
            return ""
        return f"Such questions are held: {'; '.join(screening.reasons) or screening.category}"

    def _places(self, one: Written) -> tuple[list[Place | None], list[str]]:
        documents = self._catalogue.documents([one.collection])
        places: list[Place | None] = []
        faults: list[str] = []
        for source in one.sources:
            place, fault = self._place(source, one.collection, documents)
            places.append(place)
            faults += [f"{one.file}, line {source.line}: {fault}"] if fault else []
        return places, faults

    def _place(
        self, source: Source, collection: str, documents: Sequence[Document]
    ) -> tuple[Place | None, str]:
        found = named(source.document, documents)
        if len(found) != 1:
            many = f"{len(found)} documents are" if found else "no document is"
            return None, f"{many} called “{source.document}” in the collection {collection}"
        if not found[0].counts_on(self._clock().astimezone(UTC).date()):
            return None, f"“{source.document}” does not count today"
        place = place_of(source.quote, self._catalogue.passages_of(found[0].id))
        return place, "" if place else f"these words do not stand in “{source.document}”"

    def _moved(self, passage: Passage, quote: str) -> Place | None:
        """Where a quote stands in its document as it is now."""
        try:
            document = self._catalogue.document(passage.document.id)
        except NotFound:
            return None
        if not document.counts_on(self._clock().astimezone(UTC).date()):
            return None
        return place_of(quote, self._catalogue.passages_of(document.id))

    def _check(self, question: str, sentences: Sequence[str], evidence: list[Evidence]) -> Checked:
        done = [self._one(question, sentence, evidence) for sentence in sentences]
        problems = tuple(v.reasons if v.decision is not Decision.RELEASE else () for _, v in done)
        passages = tuple(e.passage for e in evidence)
        return Checked(
            Answer(tuple(d for d, _ in done), passages, problems), tuple(v for _, v in done)
        )

    def _one(self, question: str, sentence: str, evidence: list[Evidence]) -> tuple[Draft, Verdict]:
        claim, _ = verify.split_markers(sentence)
        fragment = is_fragment(claim, evidence)
        vectors = self._embed([claim, f"{question} {claim}"] if fragment else [claim])
        asked = verify.Asked(question, vectors[1]) if fragment else None
        cited = marked(sentence, [e.marker for e in evidence])
        draft, verdict = verify.check(cited, vectors[0], evidence, self._least, asked=asked)
        if verdict.decision is not Decision.RELEASE:
            return draft, verdict
        read = self._router.screen_answer(
            draft.text, "\n".join(c.passage.text for c in draft.citations)
        )
        if read.decision is Decision.RELEASE:
            return draft, verdict
        return draft, replace(verdict, decision=Decision.HOLD, reasons=read.reasons or ("held",))

    def _at(self, marker: int, place: Place) -> Evidence:
        return evidence_at(marker, place, self._embed(quotable(place.passage)))

    def _whole(self, marker: int, passage: Passage) -> Evidence:
        return evidence_of(marker, passage, self._embed(quotable(passage)))

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self._embeddings.embed_documents(list(texts)), np.float32)


def _pairs(answer: Answer) -> Iterator[tuple[Draft, tuple[str, ...]]]:
    return zip(answer.sentences, answer.problems, strict=True)
