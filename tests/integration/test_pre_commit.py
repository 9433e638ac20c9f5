"""The hooks as people use them: the real pre-commit, in a repository of its own, from a clone of this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

CONFIGURATION = """
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: dq-fmt
      - id: dq-lint
"""


class Repository:
    """A git repository in which the hooks are installed."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        scripts = str(Path(sys.executable).parent)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))},
            "PATH": scripts + os.pathsep + os.environ["PATH"],
            "PRE_COMMIT_HOME": str(home),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.com",
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=900
        )

    def do(self, *command: str) -> str:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def commit(self, text: str) -> subprocess.CompletedProcess[str]:
        """Write the ruleset and try to commit it."""
        (self.folder / "orders.dqdl").write_text(text)
        self.do("git", "add", "-A")
        return self.run("git", "commit", "-m", "Change the rules")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with both hooks. Installing them fetches the dependencies from the configured package index."""
    if not (PROJECT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs git and a git checkout of the project: the hooks are installed from a clone of it")
    root = tmp_path_factory.mktemp("pre-commit")
    folder = root / "repository"
    folder.mkdir()
    repository = Repository(folder, root / "home")
    clone = root / "dq"
    repository.do("git", "clone", "--quiet", "--no-local", f"file://{PROJECT}", str(clone))
    revision = repository.do("git", "-C", str(clone), "rev-parse", "HEAD")
    repository.do("git", "init", "--quiet")
    (folder / ".pre-commit-config.yaml").write_text(
        CONFIGURATION.format(repository=f"file://{clone}", revision=revision)
    )
    repository.do("git", "add", "-A")
    repository.do("pre-commit", "install", "--install-hooks")
    return repository


@pytest.mark.slow
def test_a_ruleset_with_a_mistake_is_refused(repository: Repository) -> None:
    done = repository.commit('Rules = [\n    Completness "email" > 0.95\n]\n')
    assert done.returncode != 0
    assert "orders.dqdl:2:5" in done.stdout + done.stderr
    assert "Completeness" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_ruleset_out_of_shape_is_rewritten_and_passes_then(repository: Repository) -> None:
    done = repository.commit('Rules=[Completeness "email">0.95]')
    assert done.returncode != 0
    assert "reformatted orders.dqdl" in done.stdout + done.stderr
    text = (repository.folder / "orders.dqdl").read_text()
    assert text == 'Rules = [\n    Completeness "email" > 0.95\n]\n'
    done = repository.commit(text)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_other_files_are_not_looked_at(repository: Repository) -> None:
    (repository.folder / "notes.txt").write_text("Rules = [ Nope ]")
    done = repository.commit("Rules = [\n    RowCount > 0\n]\n")
    assert done.returncode == 0, done.stdout + done.stderr
