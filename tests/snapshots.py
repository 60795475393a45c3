"""What others build on, written down: the events and each service's OpenAPI document.

`python -m tests.snapshots` writes them anew. Look at the difference before you commit it: events and answers may gain
fields; a removed or renamed one breaks somebody.
"""

import json
from pathlib import Path
from typing import Any

from services.gather import SERVICES, load
from services.shared.events import EVENTS, SUBSCRIPTIONS, routing_key

FOLDER = Path(__file__).parent / "snapshots"


def events() -> dict[str, Any]:
    """Every event's JSON schema, its routing key and who listens."""
    return {
        name: {
            "routing_key": routing_key(event),
            "consumers": sorted(service for service, listened in SUBSCRIPTIONS.items() if event in listened),
            "schema": event.model_json_schema(),
        }
        for name, event in sorted(EVENTS.items())
    }


def current() -> dict[str, Any]:
    """File name to content."""
    openapi = {f"openapi-{service}.json": load(service).openapi() for service in SERVICES}
    return {"events.json": events(), **openapi}


def render(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, content in current().items():
        (FOLDER / name).write_text(render(content))


if __name__ == "__main__":
    main()
