"""What a scenario changes while the machine runs, each at an engine event of its time.

Rules, sysctls and rates are data and change at once, between two instructions of everybody else,
at no cost of CPU time. A memcg's limit is written by a task of its own, which reclaims as the
kernel has it and may give up. ``meta["interventions"]`` says what came of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from sim.block.stall import blk_set_rate, blk_stall
from sim.engine.clock import NOW
from sim.engine.engine import PRIORITY_TIMER, Alarm
from sim.machine.boot import ZoneSize, min_free_kbytes, zone_array
from sim.machine.rules import rules_array
from sim.machine.stack import stack_words
from sim.machine.sysctl import (
    DIRTY_BACKGROUND_RATIO,
    DIRTY_EXPIRE_NS,
    DIRTY_RATIO,
    DIRTY_WRITEBACK_NS,
    SWAPPINESS,
)
from sim.machine.system import System
from sim.mm.memcg_resize import mem_cgroup_resize_limit
from sim.policy.memcg_kswapd import watermarks
from sim.policy.rules import resolve, stack_rules
from sim.scenario import Intervention, InterventionKind, Scenario
from sim.scenario_timeline import GROUP, MIX, choices_after
from sim.scenario_url_timeline import intervention_text
from sim.units import pages_from_mib
from sim.workload.plan import group_of_tasks, rate_columns

_SYSCTL = {
    "dirty_ratio": (DIRTY_RATIO, 1),
    "dirty_background_ratio": (DIRTY_BACKGROUND_RATIO, 1),
    "dirty_expire_centisecs": (DIRTY_EXPIRE_NS, 10_000_000),
    "dirty_writeback_centisecs": (DIRTY_WRITEBACK_NS, 10_000_000),
    "swappiness": (SWAPPINESS, 1),
}


def nr_writers(scenario: Scenario) -> int:
    """Tasks that the interventions will start: one for each limit that is written."""
    return sum(1 for each in scenario.interventions if each.what is InterventionKind.LIMIT)


class Interventions:
    """Carries out a scenario's interventions; one alarm stands for the next of them."""

    def __init__(
        self, system: System, scenario: Scenario, first_task: int,
        spawned: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        """Workload tasks are numbered from ``first_task``.

        ``spawned(name, memcg)`` is told of each task that an intervention starts.
        """
        self.outcomes: list[dict[str, Any]] = []
        self._s = system
        self._scenario = scenario
        self._first_task = first_task
        self._spawned = spawned
        self._done = 0
        if scenario.interventions:
            self._alarm = Alarm(system.engine, PRIORITY_TIMER, self._act)
            self._set()

    def _set(self) -> None:
        left = self._scenario.interventions[self._done :]
        if left:
            self._alarm.set(left[0].at_ms * 1_000_000)

    def _act(self, due_ns: int) -> None:
        every = self._scenario.interventions
        while self._done < len(every) and every[self._done].at_ms * 1_000_000 <= due_ns:
            each = every[self._done]
            self._done += 1
            outcome: dict[str, Any] = {"what": intervention_text(each), "t_ns": due_ns}
            self.outcomes.append(outcome | {"t_done_ns": due_ns, "error": ""})
            _ACTIONS[each.what](self, each, due_ns)
        self._set()

    def _rules(self, _each: Intervention, _due_ns: int) -> None:
        s = self._scenario
        patches, answers = choices_after(s, s.interventions[: self._done])
        rules = resolve(replace(s, patches=patches, memcg_answers=answers))
        self._s.arrays.rules[:] = rules_array(rules)
        self._s.arrays.stack[:] = stack_words(stack_rules(replace(s, patches=patches)))

    def _vm(self, each: Intervention, _due_ns: int) -> None:
        if each.whose == "min_free_kbytes":
            self._setup_per_zone_wmarks(each.value)
            return
        word, factor = _SYSCTL[each.whose]
        self._s.arrays.sysctl[word] = each.value * factor

    def _setup_per_zone_wmarks(self, kbytes: int) -> None:
        zone = self._s.arrays.zone
        sizes = [ZoneSize(int(pages), 0) for pages in zone["present_pages"]]
        zone["watermark"] = zone_array(sizes, kbytes or min_free_kbytes(sizes))["watermark"]

    def _rate(self, each: Intervention, due_ns: int) -> None:
        if each.whose not in (MIX, *(g for g, _ in self._groups())):
            blk_set_rate(self._s.arrays.queue[0], each.value)
            return
        task = self._s.arrays.task
        for t, spec in group_of_tasks(self._scenario, each.whose, each.value):
            for name, value in rate_columns(spec).items():
                task[name][self._first_task + t] = value
            due = task["op_due_ns"]
            due[self._first_task + t] = max(due[self._first_task + t], due_ns)

    def _groups(self) -> list[tuple[str, int]]:
        return [(f"{GROUP}{i + 1}", i) for i in range(len(self._scenario.workloads))]

    def _stall(self, each: Intervention, _due_ns: int) -> None:
        blk_stall(self._s.m, each.value * 1_000_000)

    def _limit(self, each: Intervention, due_ns: int) -> None:
        outcome = self.outcomes[-1]
        outcome["t_done_ns"] = -1
        name = f"limit-{sum(1 for o in self.outcomes if '.limit.' in o['what']) - 1}"
        self._spawned(name, "root")
        body = partial(self._write_limit, each, outcome)
        self._s.engine.spawn(name, body, due_ns)

    def _write_limit(self, each: Intervention, outcome: dict[str, Any], t: int) -> Any:
        """Sleeps. ``echo`` into memory.limit_in_bytes."""
        g = [m.name for m in self._scenario.memcgs].index(each.whose) + 1
        pages = pages_from_mib(each.value)
        done = yield from mem_cgroup_resize_limit(self._s, t, g, pages)
        if done:
            memcg = self._s.arrays.memcg
            memcg["wmark_low"][g], memcg["wmark_high"][g] = watermarks(pages)
        outcome["t_done_ns"] = self._s.clock[NOW]
        outcome["error"] = "" if done else "EBUSY"


_ACTIONS: dict[InterventionKind, Callable[[Interventions, Intervention, int], None]] = {
    InterventionKind.PATCH: Interventions._rules,
    InterventionKind.ANSWER: Interventions._rules,
    InterventionKind.VM: Interventions._vm,
    InterventionKind.LIMIT: Interventions._limit,
    InterventionKind.RATE: Interventions._rate,
    InterventionKind.STALL: Interventions._stall,
}
