import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.local import rabbitmq
from infra.local.ports import free_ports
from infra.local.testing import temporary_folder
from infra.rabbitmq import apply, definitions, policies
from services.shared.bus.rabbit.topology import DEAD_EXCHANGE, dead_queue_name, queue_name
from services.shared.events import SUBSCRIPTIONS

PLUGINS = "[rabbitmq_management].\n"


@pytest.fixture(scope="module")
def management() -> Iterator[str]:
    """The management API of a broker that has no policies yet."""
    if not rabbitmq.installed():
        pytest.skip("needs RabbitMQ's own package, whose plugins can be enabled by a file")
    with temporary_folder() as folder:
        port, distribution, web = free_ports(3)
        broker = rabbitmq.RabbitMQ(folder / "rabbitmq", port, distribution)
        configure(broker.folder, web, broker)
        try:
            broker.start()
            url = f"http://{rabbitmq.USER}:{rabbitmq.PASSWORD}@127.0.0.1:{web}"
            broker.process.wait_until(lambda: answers(url))
            yield url
        finally:
            broker.stop()


def configure(folder: Path, web: int, broker: rabbitmq.RabbitMQ) -> None:
    broker._configure()
    (folder / "enabled_plugins").write_text(PLUGINS)
    without = {**rabbitmq.definitions(), "policies": []}
    (folder / "definitions.json").write_text(json.dumps(without))
    with (folder / "rabbitmq.conf").open("a") as configuration:
        configuration.write(f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {web}\n")


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/overview").is_success
    except httpx.TransportError:
        return False


def test_each_queue_falls_under_exactly_one_policy() -> None:
    for service in SUBSCRIPTIONS:
        for queue in (queue_name(service), dead_queue_name(service)):
            matching = [policy for policy in policies() if re.search(policy["pattern"], queue)]
            assert len(matching) == 1, queue


def test_the_dead_letters_of_a_service_go_to_its_own_queue() -> None:
    for service in SUBSCRIPTIONS:
        [policy] = [policy for policy in policies() if re.search(policy["pattern"], queue_name(service))]
        assert policy["definition"]["dead-letter-exchange"] == DEAD_EXCHANGE
        assert policy["definition"]["dead-letter-routing-key"] == service


def test_the_policies_can_be_set_again_through_the_management_api(management: str) -> None:
    assert httpx.get(f"{management}/api/policies").json() == []
    for _ in range(2):
        assert apply(management) == [policy["name"] for policy in policies()]
    found = {policy["name"]: policy for policy in httpx.get(f"{management}/api/policies").json()}
    assert found == {policy["name"]: policy for policy in policies()}


def test_the_command_says_why_the_broker_refuses(management: str) -> None:
    wrong = management.replace(f":{rabbitmq.PASSWORD}@", ":wrong@")
    command = subprocess.run(
        [sys.executable, "-m", "infra.rabbitmq", wrong], capture_output=True, text=True, check=False
    )
    assert command.returncode == 1
    assert command.stderr.startswith("marquee: the broker refused: 401")
    assert "Traceback" not in command.stderr


def test_the_definitions_can_be_imported_as_they_are() -> None:
    assert json.loads(definitions("/marquee"))["policies"] == policies("/marquee")
    assert {policy["vhost"] for policy in policies("/marquee")} == {"/marquee"}
