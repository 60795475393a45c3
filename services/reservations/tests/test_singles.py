"""The single-seat rule against a second, naive reading of its sentence in contracts.md."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.reservations.choice import numbers
from services.reservations.layouts import Plan
from services.reservations.singles import edges, forbids, is_refused, leaves_single
from services.reservations.tests.cinema import plan

AISLE = "|"


def row(drawing: str) -> tuple[Plan, set[int], set[int]]:
    """`.` free, `x` taken, `o` chosen, `|` an aisle: the plan, the free seats, the chosen ones among them."""
    marks = drawing.replace(AISLE, "")
    aisles = [len(drawing[:place].replace(AISLE, "")) for place, mark in enumerate(drawing) if mark == AISLE]
    free = {number for number, mark in enumerate(marks, start=1) if mark != "x"}
    chosen = {number for number, mark in enumerate(marks, start=1) if mark == "o"}
    return plan(1, len(marks), aisles), free, chosen


def refused(drawing: str) -> bool:
    return is_refused(*row(drawing))


def test_a_seat_between_the_choice_and_the_wall_is_left_alone() -> None:
    assert refused(".oo.......")
    assert not refused("oo........")


def test_an_aisle_is_as_good_as_a_wall() -> None:
    assert refused("....|.oo...")
    assert not refused("....|oo....")


def test_a_seat_between_the_choice_and_a_taken_one_is_left_alone() -> None:
    assert refused("x.oo......")
    assert not refused("xoo.......")


def test_a_seat_between_two_chosen_ones_is_left_alone() -> None:
    assert refused("o.o.......")


def test_two_free_seats_are_no_single() -> None:
    assert not refused("..oo......")
    assert not refused("x..oo..x..")


def test_a_single_that_was_there_before_is_nobodys_fault() -> None:
    assert not refused("x.xoo.....")
    assert not refused("xox.......")


def test_where_every_place_of_the_size_leaves_one_the_choice_is_free() -> None:
    assert not refused(".oo")
    assert not refused("x.oox")
    assert not refused("xx.oo|xxxx")


def test_another_block_does_not_help() -> None:
    assert not refused(".oo|......")


def test_only_a_place_of_the_same_size_in_the_block_counts() -> None:
    assert refused(".oox....")
    assert not refused(".oox...x")


def test_of_the_last_tenth_of_the_seats_everybody_may_take_any() -> None:
    hall = plan(6, 10)
    for left, forbidden in ((7, True), (6, False)):
        free = set(range(1, left + 1))
        assert is_refused(hall, free, {2, 3})
        assert forbids(hall, free, {2, 3}) == forbidden


drawings = st.lists(st.sampled_from(".x|"), min_size=1, max_size=14).map("".join)


@st.composite
def choices(draw: st.DrawFn) -> str:
    """A row with some of its free seats chosen."""
    drawing = re.sub(r"\|+", "|", draw(drawings)).strip("|") or "."
    free = [place for place, mark in enumerate(drawing) if mark == "."]
    chosen = set(draw(st.lists(st.sampled_from(free), unique=True, max_size=5))) if free else set()
    return "".join("o" if place in chosen else mark for place, mark in enumerate(drawing))


def singles_beside(block: str) -> bool:
    """Whether a run of exactly one free seat touches a chosen one."""
    return any(
        len(run.group()) == 1 and "o" in block[max(run.start() - 1, 0) : run.end() + 1]
        for run in re.finditer(r"\.+", block)
    )


def naive(drawing: str) -> bool:
    for block in drawing.split(AISLE):
        size, empty = block.count("o"), block.replace("o", ".")
        if not size or not singles_beside(block):
            continue
        for start in range(len(block) - size + 1):
            if set(empty[start : start + size]) == {"."}:
                other = empty[:start] + "o" * size + empty[start + size :]
                if not singles_beside(other):
                    return True
    return False


@given(choices())
def test_the_rule_is_what_its_sentence_says(drawing: str) -> None:
    assert refused(drawing) == naive(drawing)


@given(choices())
def test_the_edges_tell_whether_a_choice_leaves_a_single(drawing: str) -> None:
    hall, free, chosen = row(drawing)
    expected = any(singles_beside(block) for block in drawing.split(AISLE))
    assert leaves_single(hall, free, chosen) == expected
    assert all(beside not in chosen for beside, _ in edges(hall, chosen))


@given(choices())
def test_a_choice_that_leaves_no_single_is_never_refused(drawing: str) -> None:
    hall, free, chosen = row(drawing)
    assert leaves_single(hall, free, chosen) or not is_refused(hall, free, chosen)


def test_blocks_are_runs_of_seats_exactly_one_width_apart() -> None:
    hall = plan(2, 6, [2, 4])
    assert [[len(block) for block in row] for row in hall.rows] == [[2, 2, 2], [2, 2, 2]]
    assert numbers(hall.block_of[3]) == {3, 4}
