"""What one request may ask for: a link must not be able to start a run of forty hours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dashboard.settings import PREFIX, Settings, private_folder
from sim.replay_store import is_stored, missing
from sim.scenario import Problem, Scenario, WorkloadKind
from sim.scenario_url import encode
from sim.units import PAGES_PER_MIB


def past_limit(scenario: Scenario, settings: Settings) -> Problem | None:
    """The first limit that a scenario is past; None when it may run here."""
    problems = scenario.validate()
    if problems:
        return problems[0]
    for i, group in enumerate(scenario.workloads):
        if group.kind is WorkloadKind.REPLAY and not is_stored(group.trace, traces_of(settings)):
            return replace(missing(group.trace), field=f"workloads.{i}.trace")
    pages = scenario.memory.ram_mib * PAGES_PER_MIB
    if pages > settings.max_pages:
        most = settings.max_pages // PAGES_PER_MIB
        return Problem(
            "memory.ram_mib", str(scenario.memory.ram_mib),
            f"this server simulates at most {most} MiB of RAM ({PREFIX}MAX_PAGES)", str(most),
        )  # fmt: skip
    if scenario.duration_ms > settings.max_seconds * 1000:
        return Problem(
            "duration_ms", str(scenario.duration_ms),
            f"this server simulates at most {settings.max_seconds} s ({PREFIX}MAX_SECONDS)",
            str(settings.max_seconds * 1000),
        )  # fmt: skip
    return None


def traces_of(settings: Settings) -> Path:
    """The folder of the traces that visitors dropped, to be replayed."""
    return private_folder(private_folder(settings.cache_dir) / "replays")


def by_cli(scenario: Scenario) -> str:
    """How to run a scenario that this server does not, for a limit or for want of its trace."""
    if any(group.trace for group in scenario.workloads):
        return "drop the trace again where recordings are opened"
    return f"on your own machine: python -m sim run '{encode(scenario)}'"
