"""What every operation is given: the state, the trouble, and on whose behalf it acts."""

from dataclasses import dataclass

from infra.sandbox.settings import SandboxSettings
from infra.sandbox.store import Store
from infra.sandbox.trouble import Trouble


@dataclass(frozen=True, slots=True)
class World:
    settings: SandboxSettings
    store: Store
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Call:
    """One request, or the sandbox acting by itself (`request_id` None).

    origin: scheme and host under which the caller's browser reaches the sandbox.
    """

    world: World
    origin: str = ""
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def store(self) -> Store:
        return self.world.store
