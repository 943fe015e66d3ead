"""The desk's FAQ page and its proposals: what it shows, what a form does, and what it refuses."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from chatbot.adapters.accounts import Accounts
from chatbot.adapters.database import open_database
from chatbot.adapters.faq_lookup import FaqLookup
from chatbot.adapters.faq_proposals import FaqProposals, Proposal
from chatbot.domain import Citation, Decision, Draft, Person, Screening, Status, sha256_of
from chatbot.gate import Sentence, release
from chatbot.settings import load_settings
from chatbot.steps.faq import FaqState
from chatbot.trace import Trace
from chatbot.web.desk_faq import add_faq
from chatbot.web.desk_login import add_doors
from chatbot.web.session import DESK_COOKIE
from tests.faq_world import CROWNS, FILE, World
from tests.strategies import record, released, stored

PASSWORD = "correct horse battery staple"
SITE = "http://testserver"
HOSTILE = '<img src=x onerror="hacked()">'


class Site:
    """The page over a world, with people at the desk."""

    def __init__(self, folder: Path) -> None:
        engine = open_database(f"sqlite:///{folder / 'faq.db'}")
        self.world = world = World(engine, folder)
        self.accounts = Accounts(engine, world.audit)
        for name, role in (("anna", "reviewer"), ("bert", "reviewer"), ("aud", "auditor")):
            self.accounts.add(name, [role], PASSWORD)
        settings = load_settings()
        finder = FaqProposals(engine, world.checker._embeddings)

        def proposals(past: timedelta, people: int | None = None) -> list[Proposal]:
            least = people or settings.faq_people
            return finder.find(datetime.now(UTC) - past, least, world.store.list())

        app: Any = SimpleNamespace(
            settings=settings, accounts=self.accounts, queue=world.queue, faq=world.faq,
            faq_proposals=proposals,
        )  # fmt: skip
        self.proposals = proposals
        server = FastAPI()
        add_faq(server, app, add_doors(server, app))
        self.client = TestClient(server, base_url=SITE, follow_redirects=False)

    def as_(self, name: str) -> Site:
        self.client.cookies.set(DESK_COOKIE, self.accounts.login(name, PASSWORD, name))
        return self

    def get(self, query: str = "") -> str:
        answer = self.client.get(f"/desk/faq{query}")
        assert answer.status_code == 200, answer.status_code
        return html.unescape(answer.text)

    def post(self, code: int = 303, origin: str = SITE, **form: Any) -> str:
        answer = self.client.post("/desk/faq", data=form, headers={"origin": origin})
        assert answer.status_code == code, answer.text
        return answer.headers.get("location") or html.unescape(answer.text)

    def kept(self, page: str) -> dict[str, Any]:
        """The hidden fields of a page's forms."""
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))

    def ask(self, owner: str, question: str, **changed: Any) -> None:
        values: dict[str, Any] = {
            "id": sha256_of(f"{owner} {question}")[:32],
            "question": question,
            "standalone": question,
            "status": Status.RELEASED,
            "screening": Screening(Decision.RELEASE),
            "asked_at": datetime.now(UTC),
        }
        talk = self.world.conversations.create(owner).id
        drafts = changed.pop("drafts", ())
        self.world.conversations.append(talk, owner, record(drafts, **(values | changed)))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.world.engine.dispose()


def test_nobody_who_is_not_logged_in_sees_or_does_anything(site: Site) -> None:
    site.world.write()
    answer = site.client.get("/desk/faq?entry=crowns")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/login")
    assert site.post(act="suspend", entry="crowns", reason="x") == "/desk/login"
    stopped: dict[str, Any] = {"act": "suspend", "entry": "crowns", "reason": "x"}
    site.as_("anna").post(409, origin="http://evil.example", **stopped)
    assert site.world.live() == ["cash", "crowns"]
    page = site.as_("aud").get("?entry=crowns")
    assert "Crowns wait 240 days" in page
    assert 'value="suspend"' not in page
    site.post(409, **stopped)
    assert site.world.live() == ["cash", "crowns"]


def test_from_a_changed_source_to_a_signature_by_the_page_alone(site: Site) -> None:
    site.world.write()
    site.world.live()
    site.world.keep(crowns=f"{CROWNS} Braces wait 365 days.")
    listed = site.as_("anna").get("?view=suspended")
    assert "“Dental” was changed (version" in listed
    assert "Can I pay with cash" not in listed
    kept = site.kept(site.get("?entry=crowns"))
    assert site.post(act="review", **kept) == "/desk/faq?entry=crowns&said=review"
    page = site.get("?entry=crowns&said=review")
    assert "Someone has to sign it" in page
    site.as_("bert").post(409, act="approve", entry="crowns", sha256=kept["sha256"])
    assert site.world.live() == ["cash"]
    site.post(act="approve", **site.kept(site.get("?entry=crowns")))
    assert site.world.live() == ["cash", "crowns"]


def test_an_edit_needs_someone_else_and_loses_nothing_that_was_typed(site: Site) -> None:
    site.world.write()
    kept = site.kept(site.as_("anna").get("?entry=crowns&edit=1"))
    wanted = {
        "question": "When do crowns start?", "alternatives": "One?\n\n Two? ",
        "text": "Crowns wait 240 days [1].", "owner": "dental", "effective": "", "expires": "",
    }  # fmt: skip
    for wrong in (
        {"text": "Crowns wait [9]."},
        {"text": "Nothing is cited."},
        {"expires": "soon"},
        {"question": "Mail jo@example.org?"},
        {"shown": "other passages"},
        {"version": "99"},
    ):
        page = site.post(409, act="edit", **{**kept, **wanted, **wrong})
        assert 'role="alert"' in page
        assert "Two?" in page
    assert site.post(act="edit", **{**kept, **wanted}).endswith("said=edit")
    entry = site.world.store.get("crowns")
    assert entry.wordings == ("When do crowns start?", "One?", "Two?")
    assert (entry.author, entry.owner, entry.state) == ("anna", "dental", FaqState.PROPOSED)
    assert "You cannot sign this: no one signs what they proposed" in site.get("?entry=crowns")
    site.post(409, act="approve", entry="crowns", sha256=entry.sha256)
    assert site.world.live() == ["cash"]


def test_one_click_has_an_answer_whose_source_changed_reviewed_as_an_entry(site: Site) -> None:
    source = site.world.catalogue.passages_of(stored("Dental").document.id)[0]
    said = Draft("Crowns wait 240 days [1].", (Citation(1, source, "Crowns wait 240 days."),))
    question = "How long for a crown?"
    site.ask("olga", question, drafts=(said,), id="r7", verdicts=(released(said),))
    site.world.keep(crowns=f"{CROWNS} Braces wait 365 days.")
    where = site.as_("anna").post(act="again", record="r7")
    assert where.endswith("said=again")
    (entry,) = site.world.store.list()
    assert (entry.state, entry.question) == (FaqState.PROPOSED, question)
    site.as_("bert").post(act="approve", entry=entry.id, sha256=entry.sha256)
    assert site.world.live() == [entry.id]
    page = site.post(409, act="again", record="gone")
    assert "There is no answer" in page


def test_what_others_wrote_is_shown_and_does_nothing(site: Site) -> None:
    hostile = FILE.replace("How long do crowns wait?", f"'Crowns {HOSTILE}?'")
    site.world.write(hostile)
    for query in ("", "?entry=crowns", "?entry=crowns&edit=1", f"?q={HOSTILE}", "?view=asked"):
        page = site.as_("anna").client.get(f"/desk/faq{query}").text
        assert "<img src=x" not in page


def test_empty_states_and_a_broken_file(site: Site) -> None:
    assert "No entry yet" in site.as_("anna").get()
    assert "Nothing was asked by 3 or more" in site.get("?view=asked")
    site.world.write()
    assert "Nothing waits for a signature" in site.get("?view=proposed")
    assert "No entry has these words" in site.get("?q=zebra")
    assert "How long do crowns wait?" in site.get("?q=CROWNS+240")
    (site.world.files / "own.yaml").write_text("entries: [", encoding="utf-8")
    site.world.faq.follow(7, site.world.checker)
    assert "A file was not loaded: own.yaml, line" in site.get()
    assert "FAQ</h1>" in site.get("?entry=nothing")


def test_what_many_ask_is_proposed_and_never_who_asked(site: Site) -> None:
    site.world.write()
    for who in ("olga", "pete", "quin"):
        site.ask(who, "Do you pay for new glasses?")
        site.ask(who, "How long do crowns wait?")  # the FAQ answers it
        site.ask(who, "Is my rash bad?", screening=Screening(Decision.HOLD, "health"))
        site.ask(who, "And for my son?", standalone="Glasses. And for my son?")
        site.ask(who, "I am jo@example.org, do you pay for new glasses?")
    for _ in range(5):
        site.ask("olga", f"Do you pay for contact lenses{'!' * _}?")
    (one,) = site.proposals(timedelta(days=90))
    assert (one.question, one.people, one.times) == ("Do you pay for new glasses?", 3, 3)
    assert [p.people for p in site.proposals(timedelta(days=90), 1)] == [3, 1]
    page = site.as_("anna").get("?view=asked")
    assert "3 people" in page
    assert not re.search("olga|pete|quin|example.org|rash", page)


def asked(question: str, collections: frozenset[str] | None = None) -> Trace:
    return Trace(question, Person("p", collections), ())


def test_the_lookup_gives_what_the_gate_lets_through_to_whoever_may_read_it(site: Site) -> None:
    world = site.world
    lookup = FaqLookup(world.store, world.search)
    assert lookup.find(asked("How long do crowns wait?")) is None
    world.write()
    for wording in ("how long do  CROWNS wait", "When are crowns paid?"):
        found = lookup.find(asked(wording))
        assert found is not None
        assert (found.kind, found.record) == ("faq", "crowns")
        for draft, verdict in found.checked:
            assert isinstance(release(draft, verdict), Sentence)
    assert lookup.find(asked("How long do crowns wait?", frozenset({"handbook"})))
    assert lookup.find(asked("How long do crowns wait?", frozenset({"other"}))) is None
    assert lookup.find(asked("How long do bridges wait?")) is None
    world.keep(crowns="Crowns wait 365 days.")
    assert lookup.find(asked("How long do crowns wait?")) is None
