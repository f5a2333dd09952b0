from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.bare_machine import Machine, make


@pytest.fixture
def machine() -> Callable[..., Machine]:
    return make
