"""Who may do what: the one table of roles, rights and addresses. Pure.

`ROLES` says which rights a role has, `ROUTES` which right an address needs. An address that is not
in the table is not served. What a right reaches is narrowed once more where it is used: one's own
conversations, the items of one's categories, the collections of one's groups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """Something that a person may do.

    Attributes:
        ASK: ask, and read one's own conversations and the documents of one's collections.
        DESK: see the review desk: the items that one's roles sign, the FAQ, figures.
        EVERY_ITEM: see the items of every category there.
        DECIDE: decide there, and compare answers.
        FAQ: propose, edit, suspend and put to review what the FAQ says.
        PEOPLE: add and disable people, give them roles, and make groups.
        READ_OTHERS: read somebody else's conversation, for a reason that is written down.
        EVERY_COLLECTION: read every collection, whoever it belongs to.
    """

    ASK = "ask"
    DESK = "desk"
    EVERY_ITEM = "every-item"
    DECIDE = "decide"
    FAQ = "faq"
    PEOPLE = "people"
    READ_OTHERS = "read-others"
    EVERY_COLLECTION = "every-collection"


_R = Right
NONE: frozenset[Right] = frozenset()
ANONYMOUS = frozenset({Right.ASK})
"""Rights of somebody without an account, where the settings let such people ask."""


@dataclass(frozen=True, slots=True)
class Role:
    """What people call a role, and the rights that it gives."""

    title: str
    rights: frozenset[Right]


def _role(title: str, *rights: Right) -> Role:
    return Role(title, frozenset(rights))


ROLES: Mapping[str, Role] = {
    "asker": _role("Asker", _R.ASK),
    "reviewer": _role("Reviewer", _R.ASK, _R.DESK, _R.DECIDE, _R.FAQ),
    "lead": _role("Lead", _R.ASK, _R.DESK, _R.EVERY_ITEM, _R.DECIDE, _R.FAQ),
    "manager": _role("Knowledge manager", _R.ASK, _R.EVERY_COLLECTION),
    "admin": _role(
        "Admin", _R.ASK, _R.DESK, _R.EVERY_ITEM, _R.DECIDE, _R.FAQ, _R.PEOPLE, _R.READ_OTHERS
    ),
    "auditor": _role(
        "Auditor", _R.ASK, _R.DESK, _R.EVERY_ITEM, _R.READ_OTHERS, _R.EVERY_COLLECTION
    ),
}
NAMED = frozenset({Right.ASK, Right.DESK, Right.DECIDE})
"""Rights of a role that only the policy names: its holder signs what the policy says they sign."""


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """Everything that these roles together may do."""
    return NONE.union(*(ROLES[r].rights if r in ROLES else NAMED for r in roles))


def roles_with(right: Right) -> frozenset[str]:
    """The roles of the table that have this right."""
    return frozenset(name for name, role in ROLES.items() if right in role.rights)


class Check(StrEnum):
    """Who looks, where it is not the guard that compares rights.

    Attributes:
        NOBODY: anyone may have it: the login, what a page is drawn with.
        EVENT: the event or form behind it asks `Identity` itself, because what it answers differs:
            a page whose session has ended is told so in its own words.
    """

    NOBODY = "nobody"
    EVENT = "event"


Need = Right | Check


@dataclass(frozen=True, slots=True)
class Route:
    """An address, or with a slash at its end all below it, and what each method needs.

    Attributes:
        get: for GET and HEAD; None: not served.
        post: for POST; None: not served.
    """

    path: str
    get: Need | None = None
    post: Need | None = None

    def fits(self, path: str) -> bool:
        """Whether that address is meant."""
        if self.path.endswith("/") and self.path not in _PAGES:
            return path.startswith(self.path)
        return path == self.path


_PAGES = ("/", "/desk/")
"""Pages of their own that end in a slash: nothing below them is meant."""


def _gradio(at: str, page: Right) -> tuple[Route, ...]:
    """What a page driven by Gradio needs. Its file, proxy, upload and API routes are not here."""
    return (
        Route(f"{at}/", get=page),
        Route(f"{at}/theme.css", get=Check.NOBODY),
        Route(f"{at}/assets/", get=Check.NOBODY),
        Route(f"{at}/static/", get=Check.NOBODY),
        Route(f"{at}/gradio_api/queue/join", post=Check.EVENT),
        Route(f"{at}/gradio_api/queue/data", get=Check.EVENT),
        Route(f"{at}/gradio_api/cancel", post=Check.EVENT),
        Route(f"{at}/gradio_api/reset", post=Check.EVENT),
        Route(f"{at}/gradio_api/startup-events", get=Check.EVENT, post=Check.EVENT),
        Route(f"{at}/gradio_api/heartbeat/", get=Check.EVENT),
    )


ROUTES: tuple[Route, ...] = (
    *_gradio("", Right.ASK),
    Route("/api/ask", post=Check.EVENT),
    Route("/api/history", get=Check.EVENT),
    Route("/api/feedback", post=Check.EVENT),
    Route("/api/status/", get=Check.EVENT),
    Route("/api/openapi.json", get=Check.NOBODY),
    Route("/v1/models", get=Check.EVENT),
    Route("/v1/chat/completions", post=Check.EVENT),
    Route("/api/config", get=Check.NOBODY),
    Route("/api/gradio_api/info", get=Check.NOBODY),
    Route("/api/gradio_api/queue/join", post=Check.EVENT),
    Route("/api/gradio_api/queue/data", get=Check.EVENT),
    Route("/api/gradio_api/reset", post=Check.EVENT),
    Route("/api/gradio_api/cancel", post=Check.EVENT),
    Route("/api/gradio_api/heartbeat/", get=Check.EVENT),
    Route("/widget.js", get=Check.NOBODY),
    Route("/widget/config", get=Check.NOBODY),
    Route("/widget/gradio_api/info", get=Check.NOBODY),
    Route("/widget/gradio_api/queue/join", post=Check.EVENT),
    Route("/widget/gradio_api/queue/data", get=Check.EVENT),
    Route("/ui/", get=Check.NOBODY),
    Route("/favicon.ico", get=Check.NOBODY),
    Route("/healthz", get=Check.NOBODY),
    Route("/readyz", get=Check.NOBODY),
    Route("/metrics", get=Check.EVENT),
    Route("/documents/", get=Right.ASK),
    Route("/login", get=Check.NOBODY, post=Check.NOBODY),
    Route("/logout", post=Check.NOBODY),
    Route("/login/provider", get=Check.NOBODY),
    Route("/login/callback", get=Check.NOBODY),
    Route("/desk", get=Check.NOBODY),  # leads on to /desk/
    *_gradio("/desk", Right.DESK),
    Route("/desk/login", get=Check.NOBODY, post=Check.NOBODY),
    Route("/desk/logout", post=Check.NOBODY),
    Route("/desk/welcome", get=Check.NOBODY, post=Check.NOBODY),
    Route("/desk/leave", post=Check.EVENT),
    Route("/desk/insights", get=Right.DESK),
    Route("/desk/usage", get=Right.DESK),
    Route("/desk/faq", get=Right.DESK, post=Right.FAQ),
    Route("/desk/votes", get=Right.DESK, post=Right.DECIDE),
    Route("/desk/cache", get=Right.DESK),
    Route("/desk/widget", get=Right.DESK),
    Route("/desk/people", get=Right.PEOPLE, post=Right.PEOPLE),
    Route("/desk/groups", get=Right.PEOPLE, post=Right.PEOPLE),
    Route("/desk/read", get=Right.READ_OTHERS, post=Right.READ_OTHERS),
)


def need_of(method: str, path: str) -> Need | None:
    """What that request needs; None: it is not served."""
    for route in ROUTES:
        if route.fits(path):
            return {"GET": route.get, "HEAD": route.get, "POST": route.post}.get(method)
    return None


def served(path: str) -> bool:
    """Whether any method is served at that address."""
    return any(route.fits(path) for route in ROUTES)


EVERYONE = "everyone"
"""The group that everybody is in whom the settings let in, with an account or without."""


def may_read(
    groups: Collection[str],
    grants: Mapping[str, Collection[str]],
    known: Collection[str],
    *,
    unnamed: bool,
) -> frozenset[str] | None:
    """The collections that somebody may read; None: every one, now and later.

    Args:
        groups: what they are a member of, besides `EVERYONE`.
        grants: group → the collections that it reads.
        known: every collection that there is.
        unnamed: whether a collection that no group names is open.
    """
    named = {c for collections in grants.values() for c in collections}
    if unnamed and not named:
        return None
    mine = {c for group in (*groups, EVERYONE) for c in grants.get(group, ())}
    return frozenset(mine | (set(known) - named if unnamed else set()))
