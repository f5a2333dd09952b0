from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from dashboard.settings import Settings, SettingsError, private_folder

ROOT = Path(__file__).resolve().parents[2]


def test_without_any_variable_there_is_a_server(tmp_path):
    settings = Settings.from_env({"HOME": str(tmp_path)})
    assert settings.cache_dir == tmp_path / ".cache" / "reclaim-lab"
    assert settings.runners >= 2
    assert settings.recordings_dir is None


def test_every_variable_is_read(tmp_path):
    settings = Settings.from_env(
        {
            "RECLAIM_LAB_CACHE_DIR": str(tmp_path / "c"), "RECLAIM_LAB_RUNNERS": "3",
            "RECLAIM_LAB_RECORDINGS_DIR": str(tmp_path), "RECLAIM_LAB_MAX_PAGES": "262144",
            "RECLAIM_LAB_MAX_SECONDS": "60", "RECLAIM_LAB_REDIS_URL": "redis://host:1",
            "RECLAIM_LAB_CELERY": "1",
        }
    )  # fmt: skip
    assert settings.cache_dir == tmp_path / "c"
    assert (settings.runners, settings.max_pages, settings.max_seconds) == (3, 262144, 60)
    assert (settings.recordings_dir, settings.redis_url) == (tmp_path, "redis://host:1")
    assert settings.celery == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("RUNNERS", "many"), ("RUNNERS", "-1"), ("MAX_SECONDS", "0"), ("MAX_PAGES", "1e9"),
     ("RECORDINGS_DIR", "/no/such/folder"), ("CELERY", "1")],
)  # fmt: skip
def test_a_bad_variable_is_named(name, value, tmp_path):
    with pytest.raises(SettingsError, match=f"RECLAIM_LAB_{name}"):
        Settings.from_env({"HOME": str(tmp_path), f"RECLAIM_LAB_{name}": value})


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    settings = Settings.from_env({"HOME": str(blocked)})
    assert "reclaim-lab-" in settings.cache_dir.name
    assert Settings.from_env({}).cache_dir == settings.cache_dir


def test_a_private_folder_is_private(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    assert private_folder(folder).stat().st_mode & 0o077 == 0
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cache folder"):
        private_folder(tmp_path / "file" / "below")


def test_every_setting_has_help():
    assert all(f.metadata["help"] for f in fields(Settings))


def test_the_readme_lists_every_variable():
    assert Settings.table() in (ROOT / "README.md").read_text()
    assert all(f"`RECLAIM_LAB_{f.name.upper()}`" in Settings.table() for f in fields(Settings))


def test_no_other_module_reads_the_environment():
    reads = re.compile(r"environ|getenv")
    # Child processes get the whole environment; that is passing it on, not reading it.
    passing = re.compile(r"env=\{\*\*os\.environ|os\.environ\.get\(\"PYTHONPATH\"\)")
    found = [
        f"{path.name}:{line.strip()}"
        for path in (ROOT / "dashboard").rglob("*.py")
        if path.name != "settings.py"
        for line in path.read_text().splitlines()
        if reads.search(line)
        and not passing.search(line)
        and "WSGIEnvironment" not in line
        and "environ[" not in line
        and 'environ.get("QUERY' not in line
        and "(environ," not in line
        and "create_app(Settings.from_env())" not in line
    ]
    assert [line for line in found if "os." in line] == []
