"""The curated FAQ in the database: only what is vouched for and current answers, on both."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, update

from chatbot.adapters.database import transaction
from chatbot.adapters.faq import FaqStore
from chatbot.adapters.schema_faq import faq_entries, faq_head
from chatbot.domain import Citation, Draft
from chatbot.errors import BadInput, NotAllowed, NotFound
from chatbot.steps import review
from chatbot.steps.faq import FaqEntry, FaqState
from chatbot.steps.review_item import Answer, Reviewer, ReviewItem, State
from tests.faq_world import ANNA, BERT, CROWNS, FILE, World
from tests.strategies import keep, record, stored

LEA = Reviewer("lea", frozenset({"lead"}))


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> World:
    return World(engine, tmp_path)


def given(world: World, question: str = "How long for crowns?", category: str = "") -> str:
    """Id of an answer about crowns that lea has signed."""
    source = world.catalogue.passages_of(stored("Dental").document.id)[0]
    quote = "Crowns wait 240 days."
    cited = Draft("Crowns wait 240 days [1].", (Citation(1, source, quote),))
    now = datetime.now(UTC)
    item = ReviewItem(
        "i1", "r1", "c1", "asker", question, category, (), now, now + timedelta(hours=1),
        account="cleo", answer=Answer((cited,), (source,), ((),)), draft_wanted=False,
        needed=1,
    )  # fmt: skip
    world.queue.submit(item)
    talk = world.conversations.create("asker").id
    world.conversations.append(talk, "asker", record(id="r1", question=question))
    lease = timedelta(minutes=5)
    held = world.queue.apply("i1", "lea", "claim", lambda i, n: review.claim(i, LEA, n, lease))
    assert held.answer is not None
    sha = held.answer.sha256
    world.queue.apply("i1", "lea", "ok", lambda i, n: review.approve(i, LEA, held.fence, sha, n))
    return "r1"


def actions(world: World, entry: str) -> list[str]:
    return [e.action for e in world.audit.of(f"faq:{entry}")]


class TestTables:
    def test_the_migration_makes_what_the_code_expects(self, engine: Engine) -> None:
        for table in (faq_entries, faq_head):
            made = {c["name"] for c in inspect(engine).get_columns(table.name)}
            assert made == {c.name for c in table.columns}
        assert {i["name"] for i in inspect(engine).get_indexes("faq_entries")} == {
            i.name for i in faq_entries.indexes
        }


class TestFiles:
    def test_what_holds_answers_at_once(self, world: World) -> None:
        world.write()
        assert world.live() == ["cash", "crowns"]
        assert world.live(frozenset({"handbook", "other"})) == ["cash", "crowns"]
        assert world.live(frozenset({"other"})) == []
        crowns = world.store.get("crowns")
        assert crowns.answer.text == "Crowns wait 240 days [1]."
        assert actions(world, "crowns") == ["faq-load"]
        before = world.store.version()
        world.faq.load(world.checker)
        assert world.store.version() == before

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ("Crowns wait 240 days.\"]", "Crowns wait 90 days.\"]", "sentence 1: "),
            ("Crowns wait 240 days.\"]", "Braces are free.\"]", "sentence 1: "),
            ("Crowns wait 240 days.\"]", "Crowns never wait 240 days.\"]", "opposite"),
            ("Crowns wait 240 days.\"}", "Crowns wait 24 days.\"}", "line 7: these words do not"),
            ("Dental.md", "Denture.md", "line 7: no document is called “Denture.md”"),
            ("[\"Crowns wait 240 days.\"]", "[\"Crowns wait 240 days for pain.\"]", "health"),
            ("[{document: Dental.md", "[{document: Branches, quote: You can pay by card.}, "
             "{document: Dental.md", "no sentence rests on these words"),
        ],
    )  # fmt: skip
    def test_what_does_not_hold_answers_nobody_and_says_why(
        self, world: World, old: str, new: str, reason: str
    ) -> None:
        assert old in FILE
        world.write(FILE.replace(old, new, 1))
        assert world.live() == ["cash"]
        found = world.store.get("crowns")
        assert found.state is FaqState.SUSPENDED
        assert reason in found.reason
        world.write()
        assert world.live() == ["cash", "crowns"]

    def test_it_is_tried_again_when_the_documents_have_changed(self, world: World) -> None:
        world.keep(crowns="Crowns wait 365 days.")
        world.write()
        assert world.live() == ["cash"]
        world.keep()
        world.faq.follow(world.catalogue.version(), world.checker)
        assert world.live() == ["cash", "crowns"]

    def test_what_no_file_names_is_gone_and_a_broken_file_changes_nothing(
        self, world: World
    ) -> None:
        world.write()
        (world.files / "own.yaml").write_text("entries: [", encoding="utf-8")
        world.faq.follow(99, world.checker)
        assert "own.yaml, line" in world.faq.fault
        assert world.live() == ["cash", "crowns"]
        world.write(FILE.split("  - id: cash")[0])
        assert (world.live(), world.faq.fault) == (["crowns"], "")
        assert actions(world, "cash") == ["faq-load", "faq-remove"]
        with pytest.raises(NotFound):
            world.store.get("cash")
        world.files.rename(world.folder / "elsewhere")
        assert world.faq.load(world.checker) == []
        assert world.live() == ["crowns"]

    def test_what_is_for_a_collection_without_documents_waits_for_them(self, world: World) -> None:
        """The sample entries are nobody's concern who has other documents."""
        world.write(FILE.replace("collection: handbook", "collection: travel"))
        assert world.store.list() == []
        assert all("no document is called" in e.reason for _, e in world.faq.check())
        keep(world.catalogue, stored("Dental", CROWNS, collection="travel"))
        world.faq.load(world.checker)
        assert world.live() == ["crowns"]
        assert world.live(frozenset({"handbook"})) == []

    def test_a_held_question_is_told(self, world: World) -> None:
        world.write(FILE.replace("How long do crowns wait?", "Crowns and pain?"))
        assert "Such questions are held" in world.store.get("crowns").note


class TestSources:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"crowns": "Crowns wait 365 days."}, "“Dental” was changed (version"),
            ({"expires": date(2026, 11, 21)}, "“Dental” expired on 2026-11-21"),
            ({"effective": date(2026, 12, 1)}, "“Dental” does not count yet"),
            (None, "“Dental” was deleted or moved"),
        ],
    )
    def test_a_change_suspends_at_once_and_is_named(
        self, world: World, change: dict[str, Any] | None, reason: str
    ) -> None:
        world.write()
        assert world.live() == ["cash", "crowns"]
        if change is None:
            world.catalogue.drop([stored("Dental").document.id])
        else:
            world.keep(**change)
        assert world.live() == ["cash"]
        assert reason in world.store.get("crowns").reason
        assert actions(world, "crowns") == ["faq-load", "faq-suspend"]
        world.faq.load(world.checker)  # the file is the same: a person has to look
        assert world.live() == ["cash"]
        other = FaqStore(world.engine, world.audit, world.clock)
        assert [e.id for e in other.live()] == ["cash"]

    def test_a_day_on_which_it_does_not_count(self, world: World) -> None:
        world.write(FILE.replace("  - id: cash", "    expires: 2026-11-22\n  - id: cash"))
        assert world.live() == ["cash", "crowns"]
        world.clock.now += timedelta(days=1)
        assert world.live() == ["cash"]
        assert world.store.get("crowns").state is FaqState.LIVE

    def test_one_click_puts_it_to_review_and_a_signature_back_to_work(self, world: World) -> None:
        world.write()
        world.live()
        world.keep(crowns=f"{CROWNS} Braces wait 365 days.")
        assert world.live() == ["cash"]
        again = world.faq.review("crowns", ANNA)
        assert (again.state, again.answer.problems) == (FaqState.PROPOSED, ((),))
        assert {d.version for d in again.documents} == {"e" * 64}
        assert world.live() == ["cash"]
        world.faq.approve("crowns", BERT, again.sha256)
        assert world.live() == ["cash", "crowns"]
        assert actions(world, "crowns") == [
            "faq-load", "faq-suspend", "faq-review", "faq-approve",
        ]  # fmt: skip
        assert world.audit.verify() == []

    def test_what_the_document_does_not_say_any_more_is_marked(self, world: World) -> None:
        world.write()
        world.live()
        world.keep(crowns="Crowns wait 365 days.")
        world.live()
        again = world.faq.review("crowns", ANNA)
        assert again.answer.problems[0]
        with pytest.raises(NotAllowed, match="cites no document"):
            world.faq.approve("crowns", BERT, again.sha256)
        half = world.faq.edit(again, "Crowns wait 240 days [1]. Crowns wait 365 days [1].", ANNA)
        assert [bool(p) for p in half.answer.problems] == [True, False]
        with pytest.raises(NotAllowed, match="do not support all"):
            world.faq.approve("crowns", BERT, half.sha256)
        again = half
        shown = world.faq.evidence(again).evidence
        number = 1 + [p.text for p in shown].index("Crowns wait 365 days.")
        edited = world.faq.edit(again, f"Crowns wait 365 days [{number}].", ANNA)
        assert edited.answer.text == "Crowns wait 365 days [1]."
        assert edited.answer.problems == ((),)
        with pytest.raises(NotAllowed, match="wrote themselves"):
            world.faq.approve("crowns", ANNA, edited.sha256)
        world.faq.approve("crowns", BERT, edited.sha256)
        assert world.live() == ["cash", "crowns"]

    def test_it_does_not_go_live_on_a_source_that_changed_while_it_was_read(
        self, world: World
    ) -> None:
        entry = world.faq.promote(given(world), ANNA)
        world.keep(crowns="Crowns wait 365 days.")
        with pytest.raises(NotAllowed, match="was changed"):
            world.faq.approve(entry.id, BERT, entry.sha256)
        assert world.live() == []


class TestPromotion:
    def test_a_signed_answer_needs_another_person_before_it_answers(self, world: World) -> None:
        entry = world.faq.promote(given(world), ANNA, alternatives=["Crowns: how long?"])
        assert (entry.state, entry.author, entry.asker) == (
            FaqState.PROPOSED, "anna", ("asker", "cleo"),
        )  # fmt: skip
        assert world.live() == []
        cleo = Reviewer("cleo", frozenset({"reviewer"}))
        for who in (ANNA, cleo):
            with pytest.raises(NotAllowed):
                world.faq.approve(entry.id, who, entry.sha256)
        world.faq.approve(entry.id, BERT, entry.sha256)
        assert world.live() == [entry.id]
        assert actions(world, entry.id) == ["faq-propose", "faq-approve"]

    def test_two_people_where_the_policy_asks_for_them(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        world = World(engine, tmp_path, policy="strict")
        entry = world.faq.promote(given(world, category="health"), ANNA)
        assert entry.needed == 2
        first = world.faq.approve(entry.id, BERT, entry.sha256)
        assert (first.state, world.live()) == (FaqState.PROPOSED, [])
        world.faq.approve(entry.id, LEA, entry.sha256)
        assert world.live() == [entry.id]

    def test_once_its_answer_is_taken_back_it_answers_nobody_and_whoever_it_answered_is_told(
        self, world: World
    ) -> None:
        entry = world.faq.promote(given(world), ANNA)
        world.faq.approve(entry.id, BERT, entry.sha256)
        talk = world.conversations.create("reader").id
        hit = record(id="r2", cache="faq", repeats=entry.id)
        world.conversations.append(talk, "reader", hit)
        late = world.queue.clock() + review.UNDO
        world.queue.apply("i1", "system", "out", lambda i, _: review.deliver(
            i, {d.id: d.version for d in entry.documents}, late))  # fmt: skip
        assert world.live() == [entry.id]
        world.queue.apply("i1", "lea", "recall", lambda i, n: review.recall(i, LEA, "Wrong.", n))
        assert world.live() == []
        stopped = world.store.get(entry.id)
        assert (stopped.state, stopped.reason) == (
            FaqState.SUSPENDED, "its answer was taken back at the desk",
        )  # fmt: skip
        assert actions(world, entry.id)[-1] == "faq-suspend"
        (told,) = world.queue.of_conversation(talk, "reader").values()
        assert (told.record, told.state) == ("r2", State.RECALLED)
        assert world.audit.verify() == []

    def test_what_was_not_signed_or_names_someone_is_refused(self, world: World) -> None:
        talk = world.conversations.create("asker").id
        world.conversations.append(talk, "asker", record(id="r9"))
        with pytest.raises(NotAllowed, match="not signed"):
            world.faq.promote("r9", ANNA)
        with pytest.raises(NotFound):
            world.faq.promote("nothing", ANNA)
        with pytest.raises(BadInput, match="e-mail"):
            world.faq.promote(given(world), ANNA, "Write to jo@example.org about crowns?")
        with pytest.raises(NotAllowed, match="role"):
            world.faq.promote("r1", Reviewer("aud", frozenset({"auditor"})))


class TestStore:
    def test_a_row_that_was_altered_answers_nobody(self, world: World) -> None:
        """Another answer under the same signature is not vouched for."""
        entry = world.faq.promote(given(world), ANNA)
        world.faq.approve(entry.id, BERT, entry.sha256)
        with transaction(world.engine) as connection:
            row = connection.execute(faq_entries.select()).one()
            forged = row.body.replace("Crowns wait 240 days [1].", "Crowns wait 24 days [1].")
            assert forged != row.body
            connection.execute(update(faq_entries).values(body=forged))
            connection.execute(update(faq_head).values(version=faq_head.c.version + 1))
        assert world.live() == []

    def test_of_two_edits_of_one_version_one_is_kept(self, world: World) -> None:
        world.write()
        entry = world.store.get("crowns")
        done: list[str] = []

        def edit(text: str) -> None:
            try:
                world.faq.edit(entry, text, ANNA)
                done.append(text)
            except NotAllowed:
                pass

        texts = [f"Crowns wait 240 days [1]{end}" for end in (".", "!")]
        threads = [threading.Thread(target=edit, args=(text,)) for text in texts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 1
        assert world.store.get("crowns").answer.text == done[0]

    def test_a_change_counts_up_and_keeps_the_id(self, world: World) -> None:
        world.write()

        def same(entry: FaqEntry, now: datetime) -> FaqEntry:
            return entry

        with pytest.raises(ValueError, match="version"):
            world.store.apply("cash", "anna", "nothing", same)
        with pytest.raises(NotAllowed, match="reason"):
            world.faq.suspend("cash", ANNA, " ")
        version = world.store.version()
        world.faq.suspend("cash", ANNA, "prices move")
        assert world.store.version() > version
        assert world.store.get("cash").reason == "anna: prices move"
        assert [e.id for e in world.store.list(FaqState.SUSPENDED)] == ["cash"]
