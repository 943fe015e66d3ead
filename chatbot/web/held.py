"""What the asker sees of a turn that lies on the reviewers' desk → HTML. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chatbot.steps.review_item import CLOSED, DECIDED, REACHED, ReviewItem, State
from chatbot.web.markup import escape

_SAYS = {
    State.PENDING: "It waits for a reviewer.",
    State.CLAIMED: "A reviewer is reading it now.",
    State.ESCALATED: "It was passed on to a senior colleague.",
    State.NEEDS_INFO: "The reviewer has to know something first.",
    State.APPROVED: "It is decided. The answer is on its way.",
    State.EDITED: "It is decided. The answer is on its way.",
    State.REJECTED: "It is decided. The reply is on its way.",
    State.WITHDRAWN: "You withdrew this question.",
    State.EXPIRED: "Nobody could decide on this in time, so there is no answer. Please ask again, "
    "or ask someone directly.",
}
SIGNED = "A person has checked and signed this answer."


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a turn stands on the desk, for its asker.

    Attributes:
        version: grows with each change, so that the page knows whether it shows the latest.
        reasons: why a person looks at it, in plain words.
        wait: how long it usually takes.
        asked: what the reviewer wants to know, while they do.
        contact: where the asker wants to be told.
        mails: whether that is an e-mail which this server will send.
    """

    state: State
    version: int
    reasons: tuple[str, ...] = ()
    wait: timedelta = timedelta()
    asked: str = ""
    contact: str = ""
    mails: bool = False

    @property
    def open(self) -> bool:
        """Whether an answer may still come."""
        return self.state not in CLOSED | REACHED


def waiting(item: ReviewItem, wait: timedelta, *, mails: bool) -> Waiting:
    """The asker's view of an item."""
    asked = next((m.text for m in reversed(item.thread) if m.sender != "asker"), "")
    return Waiting(
        item.state,
        item.version,
        item.reasons,
        wait,
        asked if item.state is State.NEEDS_INFO else "",
        item.contact,
        mails,
    )


def card_body(held: Waiting, record: str, helpline: str) -> str:
    """The inside of a held turn's card: why, how long, and what the asker can do meanwhile."""
    parts = [
        f'<div class="helpline" role="alert">{_paragraphs(helpline)}</div>' if helpline else ""
    ]
    if held.open:
        why = "; ".join(reason.rstrip(".") for reason in held.reasons)
        parts.append(f'<p class="why">Why: {escape(why)}.</p>' if why else "")
    parts.append(f'<p class="stands">{escape(_SAYS.get(held.state, ""))}</p>')
    if held.open:
        parts.append(_meanwhile(held, record))
    return "".join(parts)


def _meanwhile(held: Waiting, record: str) -> str:
    parts = [_reply_form(held, record)] if held.asked else []
    if held.state not in DECIDED and not held.asked:
        parts.append(
            f'<p class="wait">Usually answered {spoken(held.wait)}. You can close this page: the '
            "answer will be here when you come back.</p>"
        )
    if not held.asked:
        parts.append(_contact_form(held, record))
    parts.append(
        f'<button type="button" class="link-button" data-act="withdraw" '
        f'data-record="{escape(record)}">Withdraw the question</button>'
    )
    return "".join(parts)


def _contact_form(held: Waiting, record: str) -> str:
    label = "Tell me by e-mail" if held.mails else "Leave an e-mail address for the reviewer"
    done = f'<p class="noted">Noted: {escape(held.contact)}</p>' if held.contact else ""
    return (
        f'{done}<form class="contact" data-form="contact" data-record="{escape(record)}">'
        f'<label>{label}<input type="email" name="contact" autocomplete="email" maxlength="254" '
        f'required placeholder="name@example.com"></label>'
        f'<button type="submit" class="plain-button">Save</button></form>'
    )


def _reply_form(held: Waiting, record: str) -> str:
    return (
        f'<form class="tell" data-form="reply" data-record="{escape(record)}">'
        f"<blockquote>{_paragraphs(held.asked)}</blockquote>"
        f'<label>Your reply<textarea name="text" rows="3" maxlength="4000" required></textarea>'
        f'</label><button type="submit" class="plain-button">Send</button></form>'
    )


def withdrawn_html(text: str) -> str:
    """Words that had been shown before the turn was held."""
    if not text:
        return ""
    return (
        '<div class="withdrawn"><p class="withdrawn-note">Withdrawn: a later part did not pass its '
        f"checks, so please do not rely on this.</p><del>{escape(text)}</del></div>"
    )


def spoken(wait: timedelta) -> str:
    """A time as people say it: `within 2 hours`."""
    minutes = max(1, round(wait.total_seconds() / 60))
    for size, name in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = -(-minutes // size)
            return f"within {count} {name}{'' if count == 1 else 's'}"
    return "soon"


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in text.split("\n") if line.strip())
