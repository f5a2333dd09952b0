"""What is wrong with a scenario: a field, its value, a sentence and the limit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a scenario, a link or a control."""

    field: str
    value: str
    message: str
    limit: str = ""

    def __str__(self) -> str:
        return f"{self.field} = {self.value}: {self.message}"


class ScenarioError(ValueError):
    """A scenario that cannot be built; carries the Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
