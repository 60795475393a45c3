"""The house's rules that no linter knows, and proof that each boundary check can fail."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.shared.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "base", "manager", "misc"}
# The declarative bases of packages of models are what they are called everywhere.
ALLOWED_NAMES = {Path(f"services/{service}/models/base.py") for service in ("catalog", "ticketing")}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not {"tests", "migrations", ".venv"} & set(path.relative_to(ROOT).parts):
                yield path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_only_shared_code_commits() -> None:
    services = [path for path in sources("services") if "shared" not in path.parts]
    assert services
    assert [path for path in services if ".commit(" in path.read_text()] == []


def test_files_fit_on_a_few_screens_and_functions_on_one() -> None:
    long_files = [path for path in sources("services", "infra") if path.read_text().count("\n") > LONGEST_FILE]
    long_functions = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in sources("services", "infra")
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert (long_files, long_functions) == ([], [])


def test_every_module_has_a_name_that_says_something() -> None:
    relative = [path.relative_to(ROOT) for path in sources("services", "infra")]
    assert [path for path in relative if path.stem in NAMES_THAT_SAY_NOTHING and path not in ALLOWED_NAMES] == []


def lint(tree: Path) -> str:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False).stdout


VIOLATIONS = {
    "a service imports another": ("services/catalog/queries/halls.py", "import services.ticketing.models"),
    "shared imports a service": ("services/shared/ids.py", "import services.users.models"),
    "a use case knows HTTP": ("services/theaters/commands.py", "import fastapi"),
    "a lower layer imports a higher one": ("services/theaters/models.py", "import services.theaters.api"),
    "a service knows what runs it": ("services/theaters/queries.py", "import infra.local.ports"),
    "the sandbox looks inside": ("infra/sandbox/trouble.py", "import services.shared.ids"),
}


@pytest.fixture(scope="module")
def copy_of_the_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    for folder in ("services", "infra"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def test_the_boundaries_hold(copy_of_the_tree: Path) -> None:
    assert "0 broken" in lint(copy_of_the_tree)


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_planted_violation_of_a_boundary_is_found(copy_of_the_tree: Path, violation: str) -> None:
    name, line = VIOLATIONS[violation]
    file = copy_of_the_tree / name
    before = file.read_text()
    try:
        file.write_text(f"{before}\n{line}\n")
        assert "0 broken" not in lint(copy_of_the_tree)
    finally:
        file.write_text(before)


def test_every_setting_has_its_line_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    missing = [name for name in Settings.model_fields if f"\n{PREFIX}{name.upper()}=" not in example]
    assert missing == []
