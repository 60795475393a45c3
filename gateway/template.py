"""Fills in `nginx.conf.template` the way envsubst does in containers: `${NAMES}` only; nginx's own `$names` stay."""

import re
from collections.abc import Mapping
from pathlib import Path

TEMPLATE = Path(__file__).parent / "nginx.conf.template"
LANDING = Path(__file__).parent / "landing"

# Per address. Whole foyers share one, so they are generous: a guessed password costs time per account, in users.
PER_MINUTE = {"GENERAL": 3000, "CREDENTIALS": 60, "HOLDS": 300}
BURSTS = {"GENERAL": 300, "CREDENTIALS": 40, "HOLDS": 40}
STREAMS = 100


def render(values: Mapping[str, str]) -> str:
    """Raises KeyError, naming it, if the template asks for what is not in `values`."""
    return re.sub(r"\$\{([A-Z_]+)\}", lambda found: values[found[1]], TEMPLATE.read_text())


def limits(factor: float) -> dict[str, str]:
    """The rates and bursts for a `RATE_LIMIT_FACTOR`: 2 lets twice as much through, 0 everything."""
    scale = factor or 1.0
    rates = {f"RATE_{name}": f"{max(1, round(rate * scale))}r/m" for name, rate in PER_MINUTE.items()}
    bursts = {f"BURST_{name}": str(max(1, round(burst * scale))) for name, burst in BURSTS.items()}
    streams = str(max(1, round(STREAMS * scale)))
    return {"RATE_LIMIT_FACTOR": f"{factor:g}", "STREAMS": streams, **rates, **bursts}
