"""Two answers, blind; the vote; the names; and what the votes come to."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from benchmarks.serving.saying import OTHER
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.evaluation.statistics import clopper_pearson
from cauce.records import Reply
from cauce.serving.features import Features, Opponent
from cauce.serving.pages import arena_votes
from cauce.serving.pages.arena_votes import Answered, Pairings, standings
from cauce.serving.storage import Tally
from serving.live import QUOTE
from serving.pages.desk import Desk, desks

AGAINST = Features(against=Opponent("rival", OTHER))
OTHER = "Pregúntelo en su farmacia."


@pytest.fixture
def desk(database) -> Desk:
    return desks(database, ("ana", "patient"), ("leo", "patient"), features=AGAINST)[0]


def test_names_are_told_after_the_vote_and_not_before(desk: Desk, database) -> None:
    asked = desk.send("/arena", question="dose of paracetamol?")
    path = asked.headers["location"].partition("?")[0]
    page = desk.read(path)
    assert OTHER in page and QUOTE in page and "rival" not in page
    assert "<table>" not in page
    voted = desk.send(f"{path}/vote", choice="left", consent="on")
    assert (voted.status_code, database.votes()[0].consent) == (303, True)
    [vote] = database.votes()
    assert {vote.left.system, vote.right.system} == {"demo", "rival"}
    assert (vote.left.system == "rival") == (vote.left.text == OTHER)
    assert page.index(vote.left.text[:20]) < page.index(vote.right.text[:20])
    page = desk.read(path)
    assert f"<strong>{vote.left.system}</strong> · The one you chose" in page
    desk.send(f"{path}/vote", choice="right")
    assert len(database.votes()) == 1


def test_another_persons_pair_and_an_empty_form_are_refused(database) -> None:
    ana, leo = desks(database, ("ana", "patient"), ("leo", "patient"), features=AGAINST)
    path = ana.send("/arena", question="dose?").headers["location"].partition("?")[0]
    assert leo.client.get(path).status_code == 404
    assert leo.send(f"{path}/vote", choice="left").status_code == 404
    assert ana.send(f"{path}/vote", choice="both").status_code == 400
    assert ana.send("/arena", question=" ").status_code == 400
    assert database.votes() == ()


def test_the_same_answer_twice_is_no_choice(database) -> None:
    [ana] = desks(database, ("ana", "patient"))
    path = ana.send("/arena", question="dose?").headers["location"].partition("?")[0]
    assert "Both answer the same" in ana.read(path)
    assert ana.send(f"{path}/vote", choice="tie").status_code == 400
    assert database.votes() == ()


def test_articles_alone_have_nothing_to_be_compared_with(database) -> None:
    [ana] = desks(database, ("ana", "patient"), features=Features(has_articles=True))
    assert ana.client.get("/arena").status_code == 404


def test_chance_decides_the_order_and_the_oldest_pairs_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena_votes, "KEPT", 100)
    pairings = Pairings()
    answers = Answered("a", Reply(text="1")), Answered("b", Reply(text="2"))
    made = [pairings.new("ana", "?", answers) for _ in range(200)]
    # Fewer than 60 or more than 140 of 200: once in 10^8.
    assert 60 < Counter(it.left.system for it in made)["a"] < 140
    assert pairings.of("ana", made[0].id) is None
    assert pairings.of("ana", made[-1].id) == made[-1]
    assert pairings.of("leo", made[-1].id) is None


def _tally(user: str, left: str, right: str, choice: str, votes: int = 1) -> Tally:
    return Tally(user_id=user, left=left, right=right, choice=choice, votes=votes)


def test_standings_count_for_a_system_on_either_side() -> None:
    tallies = [
        _tally("ana", "a", "b", "left", 3),
        _tally("ana", "b", "a", "right", 4),
        _tally("ana", "b", "a", "left"),
        _tally("ana", "a", "b", "tie", 2),
        _tally("leo", "b", "a", "neither"),
        _tally("leo", "a", "c", "tie"),
    ]
    [ab, ac] = standings(tallies)
    assert ab[:7] == ("a", "b", 7, 1, 2, 1, 2)
    assert ab.share is not None
    assert (ab.share.low, ab.share.high) == pytest.approx(clopper_pearson(7 / 8, 1)), "one voter"
    assert not ab.is_shown
    assert (ac.voters, ac.share, ac.is_shown) == (1, None, False)
    for voters, is_shown in ((1, False), (8, True)):
        tallies = [_tally(f"voter {place}", "a", "b", "left", 20) for place in range(voters)]
        assert standings(tallies)[0].is_shown is is_shown


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["left", "right", "tie", "neither"]), max_size=30))
def test_swapping_the_sides_changes_nothing(choices: list[str]) -> None:
    swap = {"left": "right", "right": "left"}
    users = ["u1", "u2", "u3"]
    one = [_tally(users[i % 3], "a", "b", choice) for i, choice in enumerate(choices)]
    two = [
        _tally(users[i % 3], "b", "a", swap.get(choice, choice)) for i, choice in enumerate(choices)
    ]
    assert standings(one) == standings(two)


def test_the_database_counts_votes_by_user_and_side(database, desk: Desk) -> None:
    path = desk.send("/arena", question="dose?").headers["location"].partition("?")[0]
    desk.send(f"{path}/vote", choice="neither")
    [tally] = database.tallies()
    assert (tally.user_id, tally.choice, tally.votes) == (desk.user.id, "neither", 1)
    assert re.search(r"<td>demo</td><td>rival</td>", desk.read("/arena"))
