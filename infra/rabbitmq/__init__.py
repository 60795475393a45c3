"""The broker's policies: what its queues may hold, how often a message is delivered, where it goes after that.

`policies.json` is the one place. The services declare queues with no argument but their type, since arguments cannot
be changed without deleting the queue. Understood by RabbitMQ 3.10 to 4.x:

- `delivery-limit`: 3.10 has none by default, 4.x 20. It only stops a message that crashes its consumer; one whose
  handler fails is parked in the consumer's own tables.
- `dead-letter-strategy` at-least-once needs `overflow` reject-publish and a dead-letter exchange, else it silently
  falls back to at-most-once. A full queue so refuses what is published, and the outboxes keep it.
- The queues of dead letters have a limit nobody reaches: over 4.x's default they would drop what they hold.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

POLICIES = Path(__file__).with_name("policies.json")
TIMEOUT_SECONDS = 10.0


def policies(vhost: str = "/") -> list[Mapping[str, Any]]:
    """As in the broker's definitions."""
    return [{**policy, "vhost": vhost} for policy in json.loads(POLICIES.read_text())]


def definitions(vhost: str = "/") -> str:
    """For the broker's `load_definitions` setting or `rabbitmqctl import_definitions`."""
    return json.dumps({"policies": policies(vhost)}, indent=2)


def apply(management_url: str, vhost: str = "/") -> list[str]:
    """Set the policies through the management API, `http[s]://user:password@host:15672`; returns their names.

    Safe to run again, also while the queues are in use. Raises httpx.HTTPError.
    """
    names = []
    with httpx.Client(base_url=management_url, timeout=TIMEOUT_SECONDS) as client:
        for policy in policies(vhost):
            wanted = {key: policy[key] for key in ("pattern", "definition", "priority", "apply-to")}
            path = f"/api/policies/{quote(vhost, safe='')}/{policy['name']}"
            client.put(path, json=wanted).raise_for_status()
            names.append(policy["name"])
    return names
