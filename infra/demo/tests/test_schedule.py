"""The rolling schedule: no overlaps, no surprises, and the same plan whoever asks, and when."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from infra.demo.data import films, theaters
from infra.demo.programme import audience, daypart
from infra.demo.schedule import MARGINS, Margins, ShowtimePlan, schedule

TODAY = date(2026, 11, 20)
CLOCKS_GO_BACK, CLOCKS_GO_FORWARD, LEAP_DAY = date(2026, 10, 25), date(2027, 3, 28), date(2028, 2, 29)
SPECIAL_DAYS = [TODAY, CLOCKS_GO_BACK, CLOCKS_GO_FORWARD, LEAP_DAY, date(2026, 12, 31)]


def planned(today: date = TODAY, days: int = 14, margins: Margins = MARGINS) -> list[ShowtimePlan]:
    return schedule(films(), theaters(), today, days, margins)


def local(plan: ShowtimePlan) -> datetime:
    return plan.starts_at.astimezone(plan.theater.zone)


def by_hall(plans: Iterable[ShowtimePlan]) -> dict[str, list[ShowtimePlan]]:
    halls: dict[str, list[ShowtimePlan]] = defaultdict(list)
    for plan in sorted(plans, key=lambda plan: plan.starts_at):
        halls[plan.hall.key].append(plan)
    return halls


@pytest.mark.parametrize("day", SPECIAL_DAYS, ids=str)
def test_no_hall_is_taken_twice_around(day: date) -> None:
    halls = by_hall(planned(day - timedelta(days=4), 8))
    assert len(halls) == 12
    for plans in halls.values():
        assert all(before.busy_until <= after.starts_at for before, after in pairwise(plans))


@pytest.mark.parametrize("day", SPECIAL_DAYS, ids=str)
def test_films_start_in_opening_hours_on_a_grid_of_five_minutes_around(day: date) -> None:
    for plan in planned(day - timedelta(days=2), 4):
        start = local(plan)
        assert time(10, 30) <= start.time() <= time(22, 45)
        assert (start.minute % 5, start.second, start.microsecond) == (0, 0, 0)
        assert plan.key == f"{plan.hall.key}@{start:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("clock_change", [CLOCKS_GO_BACK, CLOCKS_GO_FORWARD], ids=str)
def test_a_film_that_runs_through_a_clock_change_keeps_its_length(clock_change: date) -> None:
    change = datetime.combine(clock_change, time(1), UTC)
    endless_adverts = Margins(adverts=timedelta(hours=3), cleaning=timedelta(minutes=15))
    running = [
        plan
        for plan in planned(clock_change - timedelta(days=1), 2, endless_adverts)
        if plan.starts_at < change < plan.ends_at
    ]
    assert running
    for plan in running:
        assert plan.ends_at - plan.starts_at == timedelta(hours=3, minutes=plan.film.runtime_minutes)


def test_the_margins_that_are_passed_in_are_kept() -> None:
    margins = Margins(adverts=timedelta(minutes=7), cleaning=timedelta(minutes=33))
    for plans in by_hall(planned(days=2, margins=margins)).values():
        for before, after in pairwise(plans):
            length = timedelta(minutes=7 + before.film.runtime_minutes + 33)
            assert before.busy_until == before.starts_at + length <= after.starts_at


def test_tomorrow_keeps_every_day_of_today_and_adds_one() -> None:
    today = {plan.key: plan for plan in planned(TODAY)}
    tomorrow = {plan.key: plan for plan in planned(TODAY + timedelta(days=1))}
    assert all(tomorrow[key] == plan for key, plan in today.items() if local(plan).date() > TODAY)
    added = {local(tomorrow[key]).date() for key in tomorrow.keys() - today.keys()}
    assert added == {TODAY + timedelta(days=14)}


def test_another_process_plans_the_same() -> None:
    program = (
        "from datetime import date; from infra.demo.tests.test_schedule import planned\n"
        "for plan in planned(date(2026, 11, 20), 2): print(plan.key, plan.film.external_id, plan.version)"
    )
    plans = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout
        for seed in ("1", "2")
    ]
    assert plans[0] == plans[1]
    assert plans[0].splitlines() == [f"{plan.key} {plan.film.external_id} {plan.version}" for plan in planned(days=2)]


def test_no_two_showtimes_share_a_key_or_an_id() -> None:
    plans = planned(days=60)
    assert len({plan.key for plan in plans}) == len({plan.id for plan in plans}) == len(plans)


def test_every_hall_shows_four_to_six_films_a_day() -> None:
    shows = Counter((plan.hall.key, local(plan).date()) for plan in planned())
    assert len(shows) == 12 * 14
    assert {*shows.values()} <= {4, 5, 6}


def test_a_year_of_days_can_be_planned() -> None:
    shows = Counter((plan.hall.key, local(plan).date()) for plan in planned(days=366))
    assert len(shows) == 12 * 366
    assert min(shows.values()) >= 3


def test_every_cinema_shows_a_childrens_film_each_day_and_none_in_the_evening() -> None:
    plans = planned()
    children = [plan for plan in plans if plan.film.for_children]
    assert all(local(plan).time() < time(17, 30) for plan in children)
    assert {(local(plan).date(), plan.theater.key) for plan in children} == {
        (local(plan).date(), plan.theater.key) for plan in plans
    }


def test_films_for_adults_play_from_the_evening_on_and_mostly_late() -> None:
    plans = planned()

    def adult_share(part: str) -> float:
        audiences = Counter(audience(plan.film) for plan in plans if daypart(local(plan)) == part)
        return audiences["adult"] / audiences.total()

    assert adult_share("morning") == adult_share("afternoon") == 0
    assert adult_share("late") > 1.5 * adult_share("evening") > 0


def test_no_long_film_starts_late() -> None:
    assert max(plan.film.runtime_minutes for plan in planned() if daypart(local(plan)) == "late") <= 150


def test_crowd_pleasers_play_in_the_large_halls() -> None:
    def mean_draw(plans: list[ShowtimePlan]) -> float:
        return sum(plan.film.draw for plan in plans) / len(plans)

    plans = planned()
    large = [plan for plan in plans if plan.hall.capacity >= 200]
    small = [plan for plan in plans if plan.hall.capacity < 70]
    assert mean_draw(large) > mean_draw(small) + 0.5


def test_a_format_is_shown_only_where_film_and_hall_can_do_it_and_costs_its_surcharge() -> None:
    plans = planned()
    assert {plan.version.format for plan in plans} == {"2d", "3d", "imax", "4dx"}
    for plan in plans:
        assert plan.version.format in {*plan.film.formats} & {*plan.hall.formats}
        surcharge = plan.theater.surcharges.get(plan.version.format, 0)
        assert {(price.category, price.ticket_type): price.amount for price in plan.prices} == {
            (category, ticket_type): amount + surcharge
            for category, amounts in plan.hall.prices.items()
            for ticket_type, amount in amounts.items()
        }


def test_everybody_in_the_audience_understands_something() -> None:
    for plan in planned():
        version = plan.version
        assert {version.language, version.subtitles} & {plan.theater.language, "en"}
        assert version.language in (plan.film.languages[0], plan.theater.language)
        assert version.subtitles != version.language


def test_children_hear_their_own_language() -> None:
    assert all(plan.version.language == plan.theater.language for plan in planned() if plan.film.for_children)


def test_some_showtimes_are_captioned_and_some_audio_described() -> None:
    shows = Counter(feature for plan in planned() for feature in plan.version.accessibility)
    assert min(shows["captioned"], shows["audio_described"]) >= 20


def test_nearly_every_film_plays_within_the_fortnight_and_some_only_later() -> None:
    plans = planned()
    first_days = {plan.film for plan in plans if local(plan).date() < TODAY + timedelta(days=6)}
    assert len({plan.film for plan in plans}) >= 0.8 * len(films())
    assert {plan.film for plan in plans} - first_days
