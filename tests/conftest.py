"""What every test may rely on: Hypothesis profiles, the browser rule, options."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CI = os.environ.get("CI") == "true"
BROWSER_MARKERS = ("browser", "e2e", "visual")

# Times say more about the machine than about the code: no deadline. In CI the examples are fixed.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", deadline=None, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if CI else "dev"))


def find_chromium() -> str | None:
    """$CHROMIUM, then the PATH: the same rule as ./lab."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--visual", action="store_true", help="also run the image comparisons")
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """An e2e or visual test needs the browser, whether or not it says so."""
    not_asked = pytest.mark.skip(reason="image comparison: pytest --visual")
    for item in items:
        if any(item.get_closest_marker(name) for name in BROWSER_MARKERS):
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("visual") and not config.getoption("--visual"):
            item.add_marker(not_asked)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and find_chromium() is None:
        if CI:
            pytest.fail("CI=true and no Chromium: apt-get install chromium", pytrace=False)
        pytest.skip("NO CHROMIUM: apt-get install chromium")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; only for tests marked browser, e2e or visual."""
    path = find_chromium()
    assert path, "mark the test with pytest.mark.browser"
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for all tests: two drivers cannot live in one process."""
    api = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    flags += ["--disable-background-networking"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags, timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """True when golden files are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))
