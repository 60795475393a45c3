"""Seeded trouble: the same seed and the same order of requests meet the same faults."""

import random
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.sandbox.store import Store

Probability = Annotated[float, Field(ge=0, le=1)]
Fault = Literal["duplicate", "reorder", "error_after_acting", "rate_limit", "refund_fail", "reset"]


class TroubleSettings(BaseModel):
    """Probabilities 0..1; all zero is a fair-weather day.

    duplicate, reorder: of a webhook sent twice, or up to a second late so that later ones overtake it.
    delay_ms: every webhook is held back that long. drop_first: the first n attempts at each webhook are lost.
    rate_limit: of 429 before acting. error_after_acting: of 500 though the work is done. reset: of the connection
    breaking though the work is done. refund_fail: of a refund ending `failed`. latency_ms: by so much answers are late.
    Only callers with the secret key meet the API's troubles; a browser's confirm does not.
    """

    model_config = ConfigDict(extra="forbid")

    seed: int = 0
    duplicate: Probability = 0
    reorder: Probability = 0
    delay_ms: int = Field(default=0, ge=0, le=600_000)
    drop_first: int = Field(default=0, ge=0, le=100)
    error_after_acting: Probability = 0
    rate_limit: Probability = 0
    refund_fail: Probability = 0
    latency_ms: int = Field(default=0, ge=0, le=600_000)
    reset: Probability = 0


class Trouble:
    """The trouble that is set; it outlives a restart, where its dice begin anew."""

    def __init__(self, store: Store) -> None:
        self._store = store
        saved = store.setting("trouble")
        self._apply(TroubleSettings() if saved is None else TroubleSettings.model_validate_json(saved))

    def _apply(self, settings: TroubleSettings) -> None:
        self.settings = settings
        self._dice: dict[str, random.Random] = {}

    def set(self, settings: TroubleSettings) -> None:
        """Replaces all of it: what is not named is off."""
        with self._store.transaction():
            self._store.set_setting("trouble", settings.model_dump_json())
        self._apply(settings)

    def strikes(self, fault: Fault) -> bool:
        probability: float = getattr(self.settings, fault)
        return probability > 0 and self.fraction(fault) < probability

    def fraction(self, purpose: str) -> float:
        """The next number 0..1 of that purpose's own sequence, so that one kind of fault does not shift another."""
        dice = self._dice.setdefault(purpose, random.Random(f"{self.settings.seed}:{purpose}"))  # noqa: S311
        return dice.random()
