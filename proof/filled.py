"""Texts in every place where others' words are shown, in a running application."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chatbot.adapters.catalogue import Catalogue, StoredDocument, StoredPassage
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
from chatbot.steps import review
from chatbot.steps.faq import FaqEntry
from chatbot.steps.review_item import Answer, Message, Reviewer, ReviewItem
from proof.site import Site

PASSWORD = "correct horse battery staple"
LENA = Reviewer("lena", frozenset({"reviewer", "lead"}))
_LEASE = timedelta(minutes=10)
_SOON = timedelta(hours=2)


class Filled:
    """Puts each text everywhere.

    Attributes:
        app: the application.
        owner: whose conversations they are.
        groups: the texts of each conversation, by number.
        answered: conversations whose questions, answers, sources and notices are the texts.
        noted: conversations whose reviewers' notes and questions are the texts.
    """

    def __init__(self, site: Site, texts: Sequence[str], owner: str, per: int = 50) -> None:
        review.UNDO = timedelta(0)  # what is decided is delivered at once
        self.app: Any = site.app
        self._now = datetime.now(UTC)
        self.owner, self.texts = owner, texts
        self.passages = [_passage(n, text) for n, text in enumerate(texts)]
        self._index()
        self.app.accounts.add("lena", ["reviewer", "lead", "admin"], PASSWORD)
        self.groups = [range(at, min(at + per, len(texts))) for at in range(0, len(texts), per)]
        self.answered = [self._conversation(group, self._answered) for group in self.groups]
        self.noted = [self._conversation(group, self._noted) for group in self.groups]
        for n in range(len(texts)):
            self._titled(n)
            self._held(n)
            self._curated(n)

    def _index(self) -> None:
        vector = self.app.retriever.embeddings.encode(["one vector for all"])[0]
        stored, kept = [], {}
        for passage in self.passages:
            key = sha256_of(passage.text)
            stored.append(
                StoredDocument(passage.document, "proof", (StoredPassage(passage, "", key),))
            )
            kept[key] = vector
        Catalogue(self.app.catalogue.engine).store(stored, kept, self.app.retriever.model)

    def _conversation(self, group: range, fill: Any) -> str:
        made = self.app.conversations.create(self.owner).id
        for n in group:
            fill(n, made)
        return str(made)

    def _answered(self, n: int, conversation: str) -> None:
        record = self._record(f"a{n}", n, Status.RELEASED)
        self.app.conversations.append(conversation, self.owner, record)

    def _noted(self, n: int, conversation: str) -> None:
        """Two held turns: one refused with the text as its note, one about which it is asked."""
        for kind in ("reject", "ask"):
            record = self._record(f"{kind}{n}", n, Status.HELD)
            self.app.conversations.append(conversation, self.owner, record)
            item = self._submit(f"{kind}{n}", n, conversation, record.id)
            text = self.texts[n]
            self.app.queue.apply(
                item.id, "lena", "claim", lambda i, now: review.claim(i, LENA, now, _LEASE)
            )
            if kind == "ask":
                self._apply(item, lambda i, now, t=text: review.ask(i, LENA, i.fence, t, now))
            else:
                self._apply(
                    item, lambda i, now, t=text: review.reject(i, LENA, i.fence, "wrong", t, now)
                )
                self.app.queue.deliver(item.id)

    def _apply(self, item: ReviewItem, change: Any) -> None:
        self.app.queue.apply(item.id, "lena", "decide", change)

    def _titled(self, n: int) -> None:
        """A conversation of its own, for the list of titles."""
        store = self.app.conversations
        made = store.create(self.owner[::-1]).id
        store.append(made, self.owner[::-1], self._record(f"t{n}", n, Status.RELEASED))

    def _held(self, n: int) -> None:
        self._submit(f"desk{n}", n, "", f"desk{n}")

    def _submit(self, key: str, n: int, conversation: str, record: str) -> ReviewItem:
        text = self.texts[n]
        item = ReviewItem(
            key, record, conversation, self.owner, text, "health", (text,), self._now,
            self._now + _SOON, answer=self._answer(n), draft_wanted=False, model=text,
            thread=(Message("asker", text, self._now),),
        )  # fmt: skip
        found: ReviewItem = self.app.queue.submit(item)
        return found

    def _curated(self, n: int) -> None:
        text = self.texts[n]
        entry = FaqEntry(
            f"faq{n}", text, self._answer(n), "anna", self._now, (text,), text, note=text
        )
        self.app.faq.store.add(entry, "anna", "propose")

    def _answer(self, n: int) -> Answer:
        return Answer((self._draft(n),), (self.passages[n],), ((self.texts[n],),))

    def _draft(self, n: int) -> Draft:
        return Draft(f"{self.texts[n]} [1].", (Citation(1, self.passages[n], self.texts[n]),))

    def _record(self, key: str, n: int, status: Status) -> AnswerRecord:
        text, draft = self.texts[n], self._draft(n)
        released = status is Status.RELEASED
        return AnswerRecord(
            key, text, text, status, "generated", (draft,) if released else (),
            (Verdict(Decision.RELEASE, draft.sha256),) if released else (), (), (text,), (),
            (ScoredPassage(self.passages[n], 0.9),), {}, "stub", None, "stub", 1, "miss", {},
            self._now,
        )  # fmt: skip


def _passage(n: int, text: str) -> Passage:
    title = text.replace("\n", " ")
    document = Document(
        f"h{n}", title, f"/files/{title.replace('/', '∕')}.md", title, sha256_of(text), "text/plain"
    )
    body = f"Before. {text} After."
    return Passage(f"hp{n}", document, 0, body, Locator((title,), 1, None, 0, len(body)))
