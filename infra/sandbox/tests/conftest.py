"""The tests drive a sandbox that runs as a process of its own, through the official SDK over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.sandbox.tests.process import Receiver, SandboxProcess


@pytest.fixture(scope="session")
def shared_receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory, shared_receiver: Receiver) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"), shared_receiver.url)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def receiver(shared_receiver: Receiver) -> Iterator[Receiver]:
    yield shared_receiver
    shared_receiver.answers.clear()
    shared_receiver.pauses.clear()


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    """One process for all tests, without trouble at the beginning of each; what they look at is their own payments."""
    yield shared_sandbox
    shared_sandbox.trouble()


@pytest.fixture
def own_sandbox(tmp_path: Path, receiver: Receiver) -> Iterator[SandboxProcess]:
    """A fresh one, to be killed."""
    process = SandboxProcess(tmp_path, receiver.url)
    process.start()
    yield process
    process.kill()
