"""deptry for one service as it is deployed: its folder and shared's, with the dependencies of both."""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from infra.local.configuration import ROOT

USED_ELSEWHERE = ("uvicorn", "httptools", "uvloop", "psycopg", "tzdata", "fastapi-offline")
"""Without an import in these folders: by `services/__main__.py`, uvicorn, SQLAlchemy, zoneinfo; for its files alone."""
TESTS = r".*/tests/|.*/testing\.py"


def main(services: list[str]) -> int:
    """0 if nothing is missing, unused, or used through another package only."""
    return max(_check(service) for service in services)


def _check(service: str) -> int:
    parts = [Path("services") / name for name in ("shared", service)]
    declared = sorted({dependency for part in parts for dependency in _dependencies(part)})
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "pyproject.toml"
        # A list of strings is written the same in JSON and TOML.
        project.write_text(f'[project]\nname = "{service}"\nversion = "0"\ndependencies = {json.dumps(declared)}\n')
        rules = ["--known-first-party", "services", "--per-rule-ignores", f"DEP002={'|'.join(USED_ELSEWHERE)}"]
        command = [
            sys.executable,
            "-m",
            "deptry",
            "--config",
            str(project),
            "--extend-exclude",
            TESTS,
            *rules,
            *map(str, parts),
        ]
        return subprocess.run(command, check=False, cwd=ROOT).returncode


def _dependencies(part: Path) -> list[str]:
    project = tomllib.loads((part / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
