"""The guide for integrators does what it says: its commands are run, one after the other, in one shell."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.people import World
from tests.stack import Stack

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "api.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is what it shows")
@pytest.mark.parametrize("stack", ["in_process"], indirect=True)
async def test_a_whole_purchase_as_the_guide_has_it(stack: Stack, world: World, tmp_path: Path) -> None:
    manager = world.manager()
    showtime = await manager.schedule((await manager.open_hall())["id"])
    await world.customer().hold(showtime["id"], ["A1"])  # reservations knows the showtime now
    script = here(stack, "".join(BLOCKS))
    # Other tests have showtimes in this stack as well.
    said = run(script.replace("showtimes?limit=1", f"showtimes?limit=1&movie_id={showtime['movie']['id']}"), tmp_path)
    assert said.splitlines()[-1].lower() == "idempotent-replay: true"
    assert re.search(r"(refunding|refunded)$", said, re.MULTILINE)
    assert (tmp_path / "ticket.svg").read_text().startswith(("<?xml", "<svg"))
    assert (tmp_path / "ticket.pdf").read_bytes().startswith(b"%PDF")


def here(stack: Stack, script: str) -> str:
    """The guide's commands, at the stack's addresses."""
    addresses = {
        "http://127.0.0.1:8080/api": f"{stack.worker('users').url}/api",
        "http://127.0.0.1:8080/sandbox": stack.sandbox_url,
    }
    for old, new in addresses.items():
        assert old in script
        script = script.replace(old, new)
    return script


def run(script: str, folder: Path) -> str:
    """What it prints. Fails with the first command that does."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace("\r", "")
