"""`make fuzz`: schemathesis asks a whole stack for what the five OpenAPI documents promise, and for what they do not.

Every operation of every document, as a customer, a manager and an admin, with ids of real objects mixed in and answers
fed into later requests. Nothing may crash, answer outside of its schema, or let anybody in without a token. The same
`SEED` asks for the same things again, of that run's objects; `ONLY="ticketing manager"` runs one part, `VERBOSE=1`
shows what schemathesis says. Stripe's webhook is only asked to refuse: whatever is signed is Stripe's word.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.shared.auth import Role
from tests.fuzz.cinema import Cinema, furnished
from tests.fuzz.configuration import ROLES, settings, toml
from tests.stack import EVERYTHING, Stack, running_stack

SEED = 20261120
AT_ONCE = 2


@dataclass(frozen=True)
class Part:
    """One document, as somebody of one role."""

    service: str
    role: Role

    def __str__(self) -> str:
        return f"{self.service} {self.role.name}"


@dataclass(frozen=True)
class Outcome:
    part: Part
    is_clean: bool
    seconds: float
    report: str


def parts(only: str) -> list[Part]:
    every = [Part(service, role) for service in reversed(EVERYTHING) for role in ROLES]
    return [part for part in every if all(word in str(part).split() for word in only.split())]


def fuzz(stack: Stack, cinema: Cinema, part: Part, seed: int) -> Outcome:
    url = stack.worker(part.service).url
    # Those who may end their own account need another one now and then.
    newcomers = {"FUZZ_USERS": f"{url}/api/users"} if (part.service, part.role) == ("users", Role.customer) else {}
    folder = stack.folder / "fuzz" / str(part).replace(" ", "-")
    started = time.monotonic()
    content = settings(cinema, part.service, part.role, seed)
    done = schemathesis(f"{url}/api/{part.service}/openapi.json", content, folder, newcomers)
    return Outcome(part, done.returncode == 0, time.monotonic() - started, done.stdout + done.stderr)


def schemathesis(
    document: str, content: dict[str, Any], folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    folder.mkdir(parents=True)
    config = folder / "schemathesis.toml"
    config.write_text(toml(content))
    tool = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [str(tool), "--config-file", str(config), "run", "--no-color", document],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def show(outcome: Outcome) -> bool:
    print(f"{outcome.part!s:<28}{'clean' if outcome.is_clean else 'FAULTS':<8}{outcome.seconds:6.0f} s", flush=True)
    if not outcome.is_clean or os.environ.get("VERBOSE"):
        print(outcome.report, flush=True)
    return outcome.is_clean


def run(wanted: Sequence[Part], seed: int) -> bool:
    """Whether nothing was found."""
    with running_stack() as stack, ThreadPoolExecutor(AT_ONCE) as executor:
        cinema = furnished(stack)
        outcomes = executor.map(lambda part: fuzz(stack, cinema, part, seed), wanted)
        return not [outcome.part for outcome in outcomes if not show(outcome)]


def main() -> int:
    seed = int(os.environ.get("SEED") or SEED)
    print(f"SEED={seed}", flush=True)
    return 0 if run(parts(os.environ.get("ONLY", "")), seed) else 1


if __name__ == "__main__":
    sys.exit(main())
