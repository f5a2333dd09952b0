"""What axe finds on a page as it stands."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """``rule: element`` of every violation."""
    response = Axe().run(page).response
    return [
        f"{found['id']}: {node['html'][:300]}"
        for found in response["violations"]
        for node in found["nodes"]
    ]
