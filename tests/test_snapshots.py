"""Nobody who reads our events or our OpenAPI pages is surprised."""

import json

import pytest

from services.shared.events import EVENTS
from tests.snapshots import FOLDER, current, render


@pytest.mark.parametrize("name", sorted(current()))
def test_a_change_of_what_others_build_on_is_deliberate(name: str) -> None:
    kept = (FOLDER / name).read_text()
    assert render(current()[name]) == kept, "if you mean it: python -m tests.snapshots, and look at the difference"


def test_events_change_additively() -> None:
    before = json.loads((FOLDER / "events.json").read_text())
    assert before.keys() <= EVENTS.keys()
    for name, kept in before.items():
        new = EVENTS[name].model_json_schema()
        assert kept["schema"]["properties"].keys() <= new["properties"].keys(), name
        # A consumer that replays old events has no value for a field that was not there.
        assert set(new.get("required", [])) <= set(kept["schema"].get("required", [])), name
