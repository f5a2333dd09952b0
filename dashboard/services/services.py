"""Every service of one server, as one argument."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.services.images import Images
from dashboard.services.jobs import Jobs
from dashboard.services.recordings import Recordings
from dashboard.services.results import ResultStore
from dashboard.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Handed to layout, callbacks and HTTP when the app is made."""

    settings: Settings
    results: ResultStore
    jobs: Jobs
    recordings: Recordings
    images: Images
