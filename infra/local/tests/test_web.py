"""The web build: skipped when nothing has changed, with whatever Node there is."""

import json
import shutil
from pathlib import Path

import pytest

from infra.local import web
from infra.local.process import StartFailed

BUILD = "node -e \"fs.mkdirSync('dist', {recursive: true}); fs.appendFileSync('dist/built', 'x')\""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A web app without packages, whose build leaves one x more in dist/built."""
    folder = tmp_path / "web app"
    folder.mkdir()
    package = {"name": "app", "version": "1.0.0", "scripts": {"build": BUILD}}
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(web, "WEB", folder)
    monkeypatch.setattr(web, "STAMP", folder / "dist" / ".built-from")
    return folder


@pytest.mark.skipif(shutil.which("npm") is None, reason="no Node on this machine")
def test_the_web_app_is_built_again_only_when_it_has_changed(app: Path, tmp_path: Path) -> None:
    web.build(tmp_path)
    web.build(tmp_path)
    assert (app / "dist" / "built").read_text() == "x"
    (app / "main.ts").write_text("changed")
    web.build(tmp_path)
    assert (app / "dist" / "built").read_text() == "xx"


@pytest.mark.skipif(shutil.which("npm") is None, reason="no Node on this machine")
def test_a_build_that_fails_says_why_and_is_tried_again(app: Path, tmp_path: Path) -> None:
    package = json.loads((app / "package.json").read_text())
    package["scripts"]["build"] = "echo the sky fell >&2; exit 1"
    (app / "package.json").write_text(json.dumps(package))
    with pytest.raises(StartFailed, match="the sky fell"):
        web.build(tmp_path)
    assert not web.STAMP.exists()


def test_without_a_web_app_nothing_is_built(app: Path, tmp_path: Path) -> None:
    (app / "package.json").unlink()
    web.build(tmp_path)
    assert not (app / "dist").exists()


def test_an_old_node_is_not_taken(tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    assert web._major(str(old)) < web.NODE_MAJOR
