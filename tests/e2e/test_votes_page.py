"""Two answers side by side at the desk: one key is one vote, and nothing says who wrote which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from chatbot.steps.canary import CANDIDATE, INCUMBENT
from chatbot.web.session import COOKIE, DESK_COOKIE, Sessions, new_person
from tests.e2e.desk_app import PASSWORD
from tests.e2e.fake_app import FakeApp
from tests.e2e.test_desk import served
from tests.e2e.visit import NARROW, WIDE
from tests.trials import SHADOW, SHOWN, Trial

PAIRS = 4
TOO_SOON = """
window.press = (key) =>
  document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
addEventListener("pageshow", () => press("1")); // nobody has read it yet
"""


class Booth(NamedTuple):
    app: Any
    trial: Trial
    url: str

    def cookie(self, name: str) -> dict[str, str]:
        return {DESK_COOKIE: self.app.accounts.login(name, PASSWORD, name)}

    def said(self) -> list[tuple[str, str]]:
        """Who voted what, in order."""
        entries = self.trial.audit.of(f"votes:{self.trial.candidate}")
        return [(e.actor, e.body["choice"]) for e in entries]


@pytest.fixture
def booth(tmp_path: Path) -> Iterator[Booth]:
    app: Any = FakeApp()
    for name, role in (("anna", "reviewer"), ("lena", "lead"), ("aud", "auditor")):
        app.accounts.add(name, [role], PASSWORD)
    trial = Trial(app.queue.engine, tmp_path)
    app.votes = trial.votes
    for n in range(PAIRS):
        trial.pair(n)
    with served(app) as desk:
        yield Booth(app, trial, desk.url)


@pytest.fixture
def web(booth: Booth) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=booth.url, headers={"Origin": booth.url}) as client:
        yield client


def pair_in(page: str) -> str:
    found = re.search(r'name="answer" value="(\w+)"', page)
    assert found
    return found[1]


def sides_in(page: str) -> list[str]:
    """Whose answer stands where: the shorter one was shown."""
    texts = re.findall(r'<div class="answer">(.*?)</div>', page, re.DOTALL)
    return [CANDIDATE if "bill" in text else INCUMBENT for text in texts]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_an_evening_of_votes_by_keyboard_alone(
    booth: Booth, browser: Any, size: dict[str, int]
) -> None:
    context = browser.new_context(viewport=size)
    context.add_init_script(TOO_SOON)
    context.add_cookies([{"name": DESK_COOKIE, "value": booth.cookie("anna")[DESK_COOKIE],
                          "url": booth.url}])  # fmt: skip
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.goto(f"{booth.url}/desk/votes")
    expected: list[str] = []
    for key in ("1", "ArrowRight", "t", "b"):
        sides = sides_in(page.content())
        page.wait_for_timeout(550)  # keys are deaf just after a pair has appeared
        page.evaluate("press('t'), press('t')") if key == "t" else page.keyboard.press(key)
        page.wait_for_url(f"**/desk/votes?last={PAIRS - 1 - len(expected):032}")
        expected.append({"1": sides[0], "ArrowRight": sides[-1], "t": "tie", "b": "bad"}[key])
    assert "Nothing to compare" in page.inner_text("main")
    assert booth.said() == [("anna", choice) for choice in expected]
    page.wait_for_timeout(550)
    page.keyboard.press("z")
    page.wait_for_selector("#ballot")
    page.wait_for_timeout(550)
    page.keyboard.press("t")
    page.wait_for_selector(".blank-item")
    found = booth.trial.votes.counted(booth.trial.candidate)["shipped"]
    assert (found["counts"]["pairs"], found["both_bad"]["value"], found["ties"]["value"]) == (
        4,
        0,
        0.5,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert complaints == []
    context.close()


def test_nothing_on_the_page_says_whose_answer_it_is(booth: Booth, web: httpx.Client) -> None:
    pages = []
    for name in ("anna", "lena"):
        web.cookies.update(booth.cookie(name))
        ids = [f"{n:032}" for n in range(PAIRS)]
        pages += [web.get("/desk/votes", params={"pair": answer}).text for answer in ids]
    assert {sides_in(page)[0] for page in pages} == {CANDIDATE, INCUMBENT}
    for page in pages:
        assert booth.trial.candidate not in page
        assert not re.search("candidate|incumbent|shipped|adapter|shadow|scripted", page)
        one, two = re.findall(r'<section class="side".*?</section>', page, re.DOTALL)
        plain = [re.sub(r"side-\d|Answer \d", "", side) for side in (one, two)]
        assert plain[0].replace(" of the bill", "") == plain[1].replace(" of the bill", "")


def test_who_may_vote(booth: Booth, web: httpx.Client) -> None:
    form = {"answer": f"{0:032}", "choice": "left"}
    assert web.get("/desk/votes").headers["location"] == "/desk/login"
    assert web.post("/desk/votes", data=form).headers["location"] == "/desk/login"
    web.cookies.set(COOKIE, Sessions(booth.app.secret).write(new_person()))
    assert web.get("/desk/votes").headers["location"] == "/desk/login"  # a reader
    web.cookies.update(booth.cookie("aud"))
    page = web.get("/desk/votes").text
    assert "Your role only reads" in page
    assert SHADOW not in page
    assert web.post("/desk/votes", data=form).status_code == 403
    web.cookies.update(booth.cookie("anna"))
    for origin in ("https://evil.example", "null", ""):
        answer = web.post("/desk/votes", data=form, headers={"Origin": origin})
        assert answer.status_code == 403
    assert booth.said() == []
    assert web.post("/desk/votes", data=form).status_code == 303
    web.cookies.update(booth.cookie("lena"))
    assert web.post("/desk/votes", data=form).status_code == 303
    assert [who for who, _ in booth.said()] == ["anna", "lena"]


def test_what_is_claimed_is_checked(booth: Booth, web: httpx.Client) -> None:
    web.cookies.update(booth.cookie("anna"))
    for form in ({"answer": "f" * 32, "choice": "left"}, {"answer": f"{0:032}", "choice": "x"}, {}):
        assert web.post("/desk/votes", data=form).status_code == 400
    assert web.get("/desk/votes", params={"pair": "<b>"}).status_code == 404
    assert "<b>" not in web.get("/desk/votes", params={"last": '"><b>'}).text
    assert booth.said() == []


def test_nobody_sees_a_pair_of_their_own(booth: Booth, web: httpx.Client) -> None:
    asker = new_person()
    own = booth.trial.pair(50, owner=asker.id)
    web.cookies.update(booth.cookie("anna"))
    assert pair_in(web.get("/desk/votes").text) == own  # the newest
    web.cookies.set(COOKIE, Sessions(booth.app.secret).write(asker))
    assert pair_in(web.get("/desk/votes").text) != own
    assert web.get("/desk/votes", params={"pair": own}).status_code == 404
    assert web.post("/desk/votes", data={"answer": own, "choice": "left"}).status_code == 400


def test_a_refusal_is_told_as_its_asker_reads_it(booth: Booth, web: httpx.Client) -> None:
    booth.trial.pair(60, shown=SHOWN, shadow="")
    web.cookies.update(booth.cookie("anna"))
    assert "This is not in the documents." in web.get("/desk/votes").text
