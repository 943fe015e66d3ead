"""An account, as a record: its row in the database, and what a name and a role may be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from chatbot.adapters.groups import Reading
from chatbot.domain import sha256_of
from chatbot.errors import BadInput
from chatbot.steps.review_item import Reviewer
from chatbot.steps.rights import ROLES

OPERATOR = "operator"
"""What the audit log calls whoever has the command line. No account can be called so."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_OTHER, _KEPT = re.compile(r"[^a-z0-9._@-]+"), 55
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Account:
    """Someone with a name here.

    Attributes:
        active: they can log in, by a password or by the identity provider: nobody has disabled
            them.
        collections: what their groups let them read; None: everything.
        disabled: somebody has ended their access.
    """

    name: str
    roles: frozenset[str]
    active: bool
    created_at: datetime
    collections: frozenset[str] | None
    disabled: bool = False

    @property
    def reviewer(self) -> Reviewer:
        """The same person, as the state machine of the review knows them."""
        return Reviewer(self.name, self.roles, self.collections)


def clean_name(name: str) -> str:
    """A name as it is kept.

    Raises:
        BadInput: it cannot be one.
    """
    clean = name.strip().lower()
    if not _NAME.fullmatch(clean):
        raise BadInput(
            "A name has 1 to 64 letters, digits, dots, dashes, underscores or at signs, and "
            "begins with a letter or a digit.",
            "Choose another one.",
        )
    return clean


def fitting_name(name: str, identity: str) -> str:
    """A name as it is kept, of somebody whom an identity provider names: what cannot stand in a
    name becomes a dash, and a mark of who they are there tells those apart who are alike then."""
    with suppress(BadInput):
        return clean_name(name)
    kept = _OTHER.sub("-", name.strip().lower()).strip("._@-")[:_KEPT]
    return clean_name(f"{kept or 'person'}-{sha256_of(identity)[:8]}")


def clean_roles(roles: Iterable[str]) -> frozenset[str]:
    """Roles as they are kept.

    Raises:
        BadInput: there is none, or one is malformed.
    """
    wanted = frozenset(roles)
    if not wanted or not all(_ROLE.fullmatch(role) for role in wanted):
        raise BadInput(
            "An account has at least one role, written in small letters.",
            f"Roles are {', '.join(ROLES)}, and those that the policy names.",
        )
    return wanted


def account_of(row: Row[Any], reading: Reading) -> Account:
    """The account in a row that also says `by_provider`, whether a provider knows them."""
    roles, disabled = frozenset(json.loads(row.roles)), bool(row.disabled)
    known = row.password is not None or row.by_provider
    read = reading.of(row.name, roles)
    return Account(row.name, roles, not disabled and bool(known), row.created_at, read, disabled)
