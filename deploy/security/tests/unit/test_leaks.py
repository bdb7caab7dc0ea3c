"""gitleaks with our rules, where `make security` has built it."""

import os
import secrets
from pathlib import Path

import pytest

from deploy.security import leaks

ROOT = Path(__file__).parents[4]
CACHE = Path(os.environ.get("HELIOGRAPH_CACHE", "/var/cache/heliograph"))
CONFIG = ROOT / "deploy/security/gitleaks.toml"


@pytest.fixture
def program() -> str:
    found = sorted(CACHE.glob("tools/gitleaks-*/bin/gitleaks"))
    if not found:
        pytest.skip("gitleaks is not built: deploy/tools/install gitleaks")
    return str(found[-1])


def committed(root: Path, text: str) -> None:
    (root / "settings.py").write_text(text)
    leaks.run(["git", "add", "settings.py"], root)
    author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    leaks.run(["git", *author, "commit", "-q", "-m", "Change"], root)


def test_a_secret_is_found_in_the_tree_and_in_history_after_it_is_gone(program: str, tmp_path: Path) -> None:
    leaks.run(["git", "init", "-q", "."], tmp_path)
    committed(tmp_path, f'REFRESH = "hgr_{secrets.token_urlsafe(48)}"\n')
    assert any("settings.py:1: heliograph-token" in told for told in leaks.scan(program, "dir", tmp_path, CONFIG))
    committed(tmp_path, "REFRESH = None\n")
    assert leaks.scan(program, "dir", tmp_path, CONFIG) == []
    assert any("heliograph-token in commit" in told for told in leaks.scan(program, "git", tmp_path, CONFIG))


def test_an_example_of_the_documentation_is_let_through_and_one_like_it_is_not(program: str, tmp_path: Path) -> None:
    example = "hgm_AaH-RJRMAAEBc9gtq35aaKw2MmcKevaKSIokEhsGMbZI8X3rZp-UqrQ"
    (tmp_path / "api.py").write_text(f'token = "{example}"\n')
    assert leaks.scan(program, "dir", tmp_path, CONFIG) == []
    (tmp_path / "api.py").write_text(f'token = "{example[:-1]}9"\n')
    assert leaks.scan(program, "dir", tmp_path, CONFIG) != []
