"""`python -m infra.demo load`: the demo cinemas, and their next two weeks from today."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module

import psycopg

from infra.demo import data
from infra.demo.schedule import ShowtimePlan, schedule

DAYS = 14


def upcoming(now: datetime) -> list[ShowtimePlan]:
    """Two weeks from the day it is where it is earliest, without what has begun."""
    today = min(now.astimezone(theater.zone).date() for theater in data.theaters())
    return [plan for plan in schedule(data.films(), data.theaters(), today, DAYS) if plan.starts_at > now]


def is_loaded(plans: Sequence[ShowtimePlan]) -> bool:
    """Asks the catalog's tables, which costs a restart nothing; the services' code is loaded only when needed."""
    url = os.environ["MARQUEE_CATALOG_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM showtime WHERE id = ANY(%s)", [[plan.id for plan in plans]])
        return row.fetchone() == (len(plans),)


def main() -> None:
    parser = argparse.ArgumentParser("python -m infra.demo", description="Demo cinemas for development.")
    parser.add_argument("action", choices=["load"], help="load what is missing; the services must be running")
    parser.parse_args()
    if os.environ.get("MARQUEE_ENVIRONMENT") == "production":
        sys.exit("demo: its logins are public; it is for development only (MARQUEE_ENVIRONMENT)")
    plans = upcoming(datetime.now(UTC))
    if is_loaded(plans):
        print("The demo is up to date.")
        return
    loading = import_module("infra.demo.load")
    try:
        added = asyncio.run(loading.load(plans))
    except loading.NotArrived as error:
        sys.exit(f"demo: {error}")
    print(f"The demo has {added} more showtimes.")


if __name__ == "__main__":
    main()
