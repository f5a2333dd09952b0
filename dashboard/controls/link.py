"""The page's own link: A, perhaps B, perhaps a recording; parsed without ever raising.

With ``rec=`` or ``file=`` the run called A is that recording, and A's plain keys are the
parameters it was recorded with; an empty ``b=`` then is the simulated run of the same parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from dashboard.controls.hiding import SEPARATOR, parse_hidden
from sim.scenario import Problem, Scenario, ScenarioError
from sim.scenario_url import (
    INPUT_KEYS,
    MAX_VARIANTS,
    decode_comparison,
    encode_comparison,
    query_of,
)

LETTERS = "abcd"
_INPUT = {"rec": re.compile(r"[A-Za-z0-9._~-]{1,80}"), "file": re.compile(r"[0-9a-f]{12}")}


@dataclass(frozen=True, slots=True)
class PageLink:
    """What the address bar says."""

    scenarios: tuple[Scenario, ...] = (Scenario(),)
    problems: tuple[Problem, ...] = ()
    input_key: str = ""
    """``rec`` or ``file`` when A is a recording."""
    input_name: str = ""
    hidden: tuple[str, ...] = ()
    """What the page leaves out: names of ``controls.hiding``."""

    @classmethod
    def parse(cls, search: str | None) -> PageLink:
        """Read any string."""
        parts = query_of(search or "").split("&")
        inputs = [_split(part) for part in parts if _split(part)[0] in INPUT_KEYS]
        rest = "&".join(part for part in parts if _split(part)[0] not in INPUT_KEYS)
        compared = decode_comparison(rest)
        problems = [
            replace(problem, field=f"{letter}.{problem.field}" if letter != "a" else problem.field)
            for letter, (_, found) in zip("abcd", compared, strict=False)
            for problem in found
        ]
        key, name = "", ""
        for candidate, _, value in inputs[:1]:
            if _INPUT[candidate].fullmatch(value):
                key, name = candidate, value
            else:
                problems.append(Problem(candidate, value[:80], "names no recording; ignored"))
        wish = ".".join(value for key, _, value in map(_split, parts) if key == "hide")
        hidden, unknown = parse_hidden(unquote(wish))
        problems += unknown
        return cls(tuple(scenario for scenario, _ in compared), tuple(problems), key, name, hidden)

    @property
    def a(self) -> Scenario:
        """The first scenario."""
        return self.scenarios[0]

    @property
    def b(self) -> Scenario | None:
        """The second one, when the link compares."""
        return self.scenarios[1] if len(self.scenarios) > 1 else None

    @property
    def search(self) -> str:
        """The canonical ``?…``.

        Raises:
            ScenarioError: it would be too long to share.
        """
        own = f"&{self.input_key}={self.input_name}" if self.input_key else ""
        hide = f"&hide={SEPARATOR.join(self.hidden)}" if self.hidden else ""
        return f"?{encode_comparison(self.scenarios)}{own}{hide}"

    def search_or(self, fallback: str) -> tuple[str, list[Problem]]:
        """The canonical ``?…``, or ``fallback`` and why."""
        try:
            return self.search, []
        except ScenarioError as error:
            return fallback, [error.problem]

    def edited(self, which: str) -> Scenario:
        """The scenario that the controls show: ``a`` to ``d``; beside a recording always B."""
        return self.scenarios[self._place(which)]

    def _place(self, which: str) -> int:
        place = 1 if self.input_key and self.b is not None else LETTERS.find(which)
        return place if 0 <= place < len(self.scenarios) else 0

    def with_edited(self, which: str, scenario: Scenario) -> PageLink:
        """The same comparison with one side replaced; a recording stays, B is simulated."""
        if self.input_key:
            return self.with_b(scenario)
        place = self._place(which)
        scenarios = (*self.scenarios[:place], scenario, *self.scenarios[place + 1 :])
        return replace(self, scenarios=scenarios)

    def with_b(self, scenario: Scenario | None) -> PageLink:
        """Compare A with another scenario, or with nothing."""
        others = () if scenario is None else (scenario,)
        return replace(self, scenarios=(self.a, *others))

    def with_another(self, scenario: Scenario) -> PageLink:
        """One more beside those there are, up to four."""
        return replace(self, scenarios=(*self.scenarios, scenario)[:MAX_VARIANTS])

    def without_last(self) -> PageLink:
        """The last one dropped; A stays."""
        return replace(self, scenarios=self.scenarios[:-1] or self.scenarios)

    def swapped(self) -> PageLink:
        """B becomes A; a recording cannot become B."""
        if self.b is None or self.input_key:
            return self
        return replace(self, scenarios=(self.b, self.a, *self.scenarios[2:]))


def _split(part: str) -> tuple[str, str, str]:
    return part.partition("=")
