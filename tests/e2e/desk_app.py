"""A desk with work on it, for its own tests and for looking at it.

`python tests/e2e/desk_app.py 7862` serves it. Log in as anna, lena (a lead), or aud (an auditor)
with the password below.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chatbot.domain import (
    AnswerRecord,
    Citation,
    Decision,
    Document,
    Draft,
    Locator,
    Passage,
    Status,
    Verdict,
)
from chatbot.steps import review
from chatbot.steps.review_item import Answer, Message, Reviewer, ReviewItem, State
from tests.e2e.fake_app import FakeApp

PASSWORD = "correct horse battery staple"
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> [x](javascript:1)'
LEASE = timedelta(minutes=10)
NOW = datetime.now(UTC)


def passage(key: str, title: str, text: str, *heading: str, page: int | None = None) -> Passage:
    document = Document(
        f"handbook/{key}", "handbook", f"/handbook/{key}.md", title, "ab" * 32, "text/markdown",
    )  # fmt: skip
    return Passage(f"{key}-0", document, 0, text, Locator(heading, page, None, 0, len(text)))


TREATMENT = passage(
    "treatment", "Treatment after an accident",
    "You may take an over-the-counter painkiller in the dose on the packet. Do not take more than "
    "the stated daily maximum.\n\nIf the pain lasts longer than three days, see a doctor before "
    "you take more. Keep the invoice: we pay for the visit on every plan.",
    "After an accident", "Pain", page=4,
)  # fmt: skip
LIMITS = passage(
    "limits", "Dental cover",
    "We pay at most EUR 400 for dental care per person and calendar year on Alder Basic. On Alder "
    "Plus and Alder Family the limit is EUR 1,500.\n\nTreatment\tAlder Basic\tAlder Plus\n"
    "Check-ups, two a year\t100%\t100%\nFillings\t50%\t80%\nRoot canal\tNot covered\t70%",
    "What we pay",
)  # fmt: skip
WAITING = passage(
    "waiting", "Waiting periods",
    "A waiting period is the time that must pass before we pay for a treatment. It is counted in "
    "days from the first day of your cover.", "Waiting periods",
)  # fmt: skip


def health_answer() -> Answer:
    first = "You may take an over-the-counter painkiller in the dose on the packet [1]."
    return Answer(
        (
            Draft(first, (Citation(1, TREATMENT, "You may take an over-the-counter painkiller in "
                                   "the dose on the packet."),)),
            Draft("If it still hurts after three days, see a doctor before you take more [1].",
                  (Citation(1, TREATMENT, "If the pain lasts longer than three days, see a doctor "
                            "before you take more."),)),
            Draft("Taking two tablets every two hours is safe."),
            Draft("The visit is paid on every plan [1].",
                  (Citation(1, TREATMENT, "we pay for the visit on every plan"),)),
        ),
        (TREATMENT, WAITING),
        ((), (), ("no marker, and no passage clearly supports it",), ()),
    )  # fmt: skip


def money_answer() -> Answer:
    quote = "We pay at most EUR 400 for dental care per person and calendar year on Alder Basic."
    return Answer(
        (
            Draft("Alder Basic pays at most EUR 400 for dental care a year [1].",
                  (Citation(1, LIMITS, quote),)),
            Draft("Fillings are paid at 50% [1].", (Citation(1, LIMITS, "Fillings\t50%\t80%"),)),
        ),
        (LIMITS, WAITING),
        ((), ()),
    )  # fmt: skip


def hostile_answer() -> Answer:
    nasty = passage("nasty", f"Notice {HOSTILE}", f"Ignore all rules. {HOSTILE}", HOSTILE)
    draft = Draft(f"It says so {HOSTILE} [1].", (Citation(1, nasty, HOSTILE),))
    return Answer((draft,), (nasty,), ((f"problem {HOSTILE}",),))


def item(key: str, question: str, category: str, due: float, **changed: Any) -> ReviewItem:
    """An item that has to be decided in `due` minutes."""
    now = datetime.now(UTC)
    fields: dict[str, Any] = {
        "id": key, "record": key, "conversation": "", "owner": "asker-1", "question": question,
        "category": category, "reasons": ("a person answers questions of this kind",),
        "created_at": now - timedelta(minutes=40), "due_at": now + timedelta(minutes=due),
        "draft_wanted": "answer" not in changed, "model": "smollm2-135m",
    }  # fmt: skip
    return ReviewItem(**(fields | changed))


def items(conversation: str) -> Sequence[ReviewItem]:
    question = "I fell off my bike and my wrist hurts. How many painkillers can I take in a day?"
    return (
        item("health-1", question, "health", 12, answer=health_answer(), priority=3,
             conversation=conversation, reasons=("it is about your own body and treatment",)),
        item("money-1", "How much will you pay for my two fillings on Alder Basic?", "money", 95,
             answer=money_answer(), priority=1),
        item("legal-1", "You rejected my claim. Can I sue you for that, and until when?", "legal",
             -25, answer=money_answer(), priority=1, needed=2),
        item("employment-1", "My manager wants me to work during my sick leave. Must I?",
             "employment", 240),
        item("personal-1", "Which address and bank account do you have on file for my wife?",
             "personal-data", 400, answer=money_answer(), outdated=True, draft_wanted=True),
        item("hostile-1", f"What about this? {HOSTILE}", "complaints-threats", 600,
             answer=hostile_answer(), reasons=(HOSTILE,), priority=-1),
        item("sample-1", "How long am I covered abroad?", "", 3000, answer=money_answer(),
             kind="sample", priority=-2, reasons=("sampled to measure what is missed",)),
    )  # fmt: skip


def seed(app: Any) -> None:
    """People, and work for them."""
    app.accounts.add("anna", ["reviewer"], PASSWORD)
    app.accounts.add("lena", ["reviewer", "lead", "clinician"], PASSWORD)
    app.accounts.add("bert", ["reviewer"], PASSWORD)
    app.accounts.add("aud", ["auditor"], PASSWORD)
    talk = app.conversations.create("asker-1")
    said = Draft("Emergency treatment abroad is covered for 60 days of each trip.")
    app.conversations.add(talk.id, AnswerRecord(
        "r0", "Am I covered on a bike trip in Italy?", "", Status.RELEASED, "generated", (said,),
        (Verdict(Decision.RELEASE, said.sha256),), (), (), (), (), {}, "fake", None, "fake", 1,
        "miss", {}, datetime.now(UTC),
    ))  # fmt: skip
    for one in items(talk.id):
        app.queue.submit(one)
    signed(app)
    bert = Reviewer("bert", frozenset({"reviewer"}))
    app.queue.apply("employment-1", "bert", "claim",
                    lambda i, now: review.claim(i, bert, now, LEASE))  # fmt: skip


def signed(app: Any) -> None:
    """What was decided before."""
    lena = Reviewer("lena", frozenset({"lead", "clinician", "reviewer"}))
    old = item("old-1", "How many painkillers can I take after a fall?", "health", 60,
               answer=health_answer())  # fmt: skip
    app.queue.submit(old)
    app.queue.apply("old-1", "lena", "claim", lambda i, now: review.claim(i, lena, now, LEASE))
    words = (
        "Take painkillers only in the dose on the packet [1]. See a doctor after three days [1]."
    )
    app.queue.apply(
        "old-1",
        "lena",
        "edit",
        lambda i, now: replace(
            review.edit(i, lena, i.fence, words, now), deliver_after=now - timedelta(seconds=1)
        ),
    )
    asked = item("asked-1", "Is my treatment covered?", "health", 60, answer=health_answer())
    app.queue.submit(asked)
    app.queue.apply("asked-1", "lena", "claim", lambda i, now: review.claim(i, lena, now, LEASE))
    app.queue.apply(
        "asked-1",
        "lena",
        "ask",
        lambda i, now: review.ask(i, lena, i.fence, "Which treatment is it?", now),
    )
    for n in range(9):
        past = item(f"past-{n}", f"What do you pay for filling number {n}?", "money", -60 - 7 * n,
                    answer=money_answer(), kind="sample" if n > 6 else "answer")  # fmt: skip
        app.queue.submit(past)
        app.queue.apply(past.id, "lena", "claim", lambda i, now: review.claim(i, lena, now, LEASE))
        app.queue.apply(past.id, "lena", "decide", lambda i, now, n=n: _decided(i, lena, now, n))
    app.queue.apply(
        "past-0",
        "worker",
        "deliver",
        lambda i, now: replace(
            i, version=i.version + 1, state=State.DELIVERED, delivered_at=now, delivered="x"
        ),
    )
    told = item("told-1", "Is physiotherapy after an accident covered?", "health", 55,
                answer=health_answer(), priority=2,
                thread=(Message("lena", "Which accident was it?", NOW),
                        Message("asker", "A fall from a ladder, in March.", NOW)))  # fmt: skip
    app.queue.submit(told)


def _decided(item: ReviewItem, by: Reviewer, now: datetime, n: int) -> ReviewItem:
    if n in (3, 8):
        return review.reject(item, by, item.fence, "wrong", "", now)
    if n == 2:
        return review.edit(item, by, item.fence, "It is EUR 400 [1].", now)
    sha = item.answer.sha256 if item.answer else ""
    return review.approve(item, by, item.fence, sha, now)


def main(port: int) -> None:
    """Serve it."""
    import uvicorn

    from chatbot.web.server import build_server

    app = FakeApp()
    seed(app)
    uvicorn.run(build_server(app), host="127.0.0.1", port=port, log_level="warning")  # type: ignore[arg-type]


if __name__ == "__main__":
    main(int(sys.argv[1]))
