"""A run or a comparison as one document: what was run, how to run it again, numbers, charts.

``Report`` is what is said; ``markdown`` and ``plain`` say it as text, ``report_page`` as a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.controls.words import changed
from dashboard.figures import lists
from dashboard.figures.compare import page_height
from dashboard.figures.data import run_data
from dashboard.figures.registry import FIGURES, figure_dict
from dashboard.layout.delta import (
    Line,
    RunNumbers,
    folded,
    headline_lines,
    metric_lines,
    mmtests_lines,
    named_with_unit,
    number_text,
    verdict,
)
from dashboard.layout.delta import markdown as markdown_table
from dashboard.view_state import ViewState
from sim.result import Result
from sim.scenario import Scenario

WIDTH = 900
"""px of a chart."""
_MORE_PX = 150  # above the height on the page: title, legend, caption
_MATRIX_PX = 460
COLUMNS = 72
"""Characters of a line of plain text, as mailing lists like it; links are never cut."""
_VALUE, _CHANGE, _MARK = 10, 9, 7


@dataclass(frozen=True)
class Ran:
    """One run: what it was, in words and in the numbers that make it again."""

    letter: str
    title: str
    words: str
    facts: tuple[tuple[str, str], ...]
    """seed, model version, digests, simulated time."""
    link: str


@dataclass(frozen=True)
class Chart:
    """A chart that shows something."""

    name: str
    title: str
    question: str
    figure: dict[str, Any]
    height: int


@dataclass(frozen=True)
class Report:
    """Everything that all forms of a report say."""

    title: str
    question: str
    difference: str
    link: str
    query: str
    """Of the comparison and of the view, for images of its charts."""
    window: tuple[float, float] | None
    """s: what the charts show of time; None = the whole run."""
    runs: tuple[Ran, ...]
    numbers: tuple[RunNumbers, ...]
    charts: tuple[Chart, ...]

    @property
    def paired(self) -> bool:
        """Whether runs are compared."""
        return len(self.runs) > 1

    @property
    def shown(self) -> str:
        """Which part of time the charts show; empty = all of it."""
        if self.window is None:
            return ""
        begin, end = self.window
        return f"Charts show {begin:g} to {end:g} s; numbers are of the whole run."

    @property
    def lines(self) -> list[Line]:
        """The headline, then mmtests' rows."""
        numbers = list(self.numbers)
        return [*headline_lines(metric_lines(numbers)), *mmtests_lines(numbers)]

    @property
    def verdict(self) -> str:
        """What differs, by rule; empty for one run."""
        return verdict(list(self.numbers)) if self.paired else ""


def ran(letter: str, title: str, result: Result, link: str) -> Ran:
    """A finished run in words; ``link`` is the page that shows it."""
    meta = result.meta
    words = str(meta.get("note") or "A recording of a real machine.")
    if meta.get("scenario"):
        phrases = [d.phrase for d in changed(Scenario.from_dict(meta["scenario"]))]
        words = "; ".join(phrases) if phrases else "Everything at its default."
    named = (
        ("seed", meta.get("seed")), ("model version", meta.get("model_version")),
        ("scenario", meta.get("digest")), ("result", result.digest()),
        ("simulated" if meta.get("scenario") else "recorded", f"{result.duration_ns / 1e9:g} s"),
    )  # fmt: skip
    facts = tuple((name, str(value)) for name, value in named if value not in (None, ""))
    return Ran(letter, title, words, facts, link)


def charts(results: Sequence[Result], theme: str, url: str, view: ViewState) -> tuple[Chart, ...]:
    """Every chart of the page that has something to show, as it was seen, with its caption."""
    memcgs = max(len(result.meta.get("memcgs") or ["root"]) - 1 for result in results)
    found = []
    for name, spec in FIGURES.items():
        height = _MORE_PX + page_height(spec, len(results), memcgs)
        if spec.draw == "matrix":
            height = _MATRIX_PX
        elif spec.draw == "lists":
            height = _MORE_PX + lists.page_height(spec, [run_data(r) for r in results], WIDTH)
        figure = figure_dict(
            name, results[0], theme=theme, width=WIDTH, height=height, url=url,
            others=tuple(results[1:]), view=view,
        )  # fmt: skip
        if figure["layout"]["xaxis"].get("visible") is not False:
            found.append(Chart(spec.name, spec.title, spec.question, figure, height))
    return tuple(found)


# ---- Markdown


def markdown(report: Report, origin: str) -> str:
    """For a web page, a wiki or a bug report; images are links to this server."""
    out = [f"# {report.title}", ""]
    out += [report.question, ""] if report.question else []
    out += [report.difference, ""] if report.difference else []
    out += ["## What was run", ""]
    for run in report.runs:
        facts = ", ".join(f"{name} {value}" for name, value in run.facts)
        out += [f"* **{run.letter}: {run.title}**: {run.words}", f"  {facts}", f"  <{run.link}>"]
    out += ["", f"All of it: <{report.link}>", "", "## Numbers", ""]
    out += [markdown_table(list(report.numbers), report.lines)]
    out += ["## Charts", ""]
    out += [report.shown, ""] if report.shown else []
    for chart in report.charts:
        image = f"{origin}export/{chart.name}.png?{report.query}"
        out += [f"![{chart.title}]({image})", "", chart.question, ""]
    return "\n".join(out).rstrip() + "\n"


# ---- plain text for a mail


def plain(report: Report, origin: str) -> str:
    """72 columns of ASCII but for names of tasks; links stand on lines of their own."""
    out = [*folded(report.title), "=" * min(COLUMNS, len(report.title)), ""]
    out += [*folded(report.question), ""] if report.question else []
    out += [*folded(report.difference), ""] if report.difference else []
    for run in report.runs:
        facts = ", ".join(f"{name} {value}" for name, value in run.facts)
        told = [*folded(run.words, COLUMNS - 3), *folded(facts, COLUMNS - 3)]
        out += folded(f"{run.letter}: {run.title}")
        out += [*(f"   {line}" for line in told), f"   {run.link}", ""]
    letters = [run.letter for run in report.runs]
    pair = len(letters) == 2
    width = COLUMNS - _VALUE * len(letters) - (_CHANGE + _MARK if pair else 0)
    out.append(" " * width + "".join(letter.rjust(_VALUE) for letter in letters))
    for line in report.lines:
        out += _row(line, width, pair)
    out.append("")
    out += [*folded(report.verdict), ""] if report.paired else []
    out += folded(report.shown) if report.shown else []
    out += ["All of it, and its charts:", report.link]
    out += [f"{origin}export/{chart.name}.png?{report.query}" for chart in report.charts[:1]]
    return "\n".join(line.rstrip() for line in out).rstrip() + "\n"


def _row(line: Line, width: int, pair: bool) -> list[str]:
    """A number; a name that is too long has a line of its own."""
    name = named_with_unit(line)
    text = "".join(number_text(value).rjust(_VALUE) for value in line.values)
    if pair:
        text += f"{line.changes[0].rjust(_CHANGE)} {line.mark}"
    text = text.replace("−", "-").replace("–", "-").replace("×", "x")
    if len(name) < width:
        return [name.ljust(width) + text]
    return [*folded(name), " " * width + text]
