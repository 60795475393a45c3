"""Whole stacks to drive from outside."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from infra.local.testing import temporary_folder
from tests.people import World
from tests.stack import API_KEY, EVERYTHING, Stack, prepare_once, running_stack

ONE_EACH = tuple((service,) for service in EVERYTHING)


@pytest.fixture(scope="package")
def prepared() -> Iterator[Path]:
    """What all stacks copy."""
    with temporary_folder() as folder:
        prepare_once(folder)
        yield folder


@pytest.fixture(scope="package")
def in_process(prepared: Path) -> Iterator[Stack]:
    """All services in one process, events handed over in memory."""
    with running_stack(prepared=prepared) as stack:
        yield stack


@pytest.fixture(scope="package")
def over_rabbitmq(broker_url: str, prepared: Path) -> Iterator[Stack]:
    """Each service in a process of its own."""
    with running_stack(layout=ONE_EACH, bus_url=broker_url, prepared=prepared) as stack:
        yield stack


@pytest.fixture(params=["in_process", "over_rabbitmq"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each test once for each way to run Marquee."""
    found: Stack = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    """People at that stack's doors."""
    there = world_of(stack)
    yield there
    await there.close()


def world_of(stack: Stack) -> World:
    return World({service: stack.worker(service).url for service in EVERYTHING}, stack.sandbox_url, API_KEY)
