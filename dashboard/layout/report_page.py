"""A report as a page of its own, to be read, saved or printed; report.js draws its charts."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup, escape

from dashboard.layout.delta import named_with_unit, number_text
from dashboard.layout.report import Ran, Report

_FIGURES = "report-figures"


def linked(styles: list[str], scripts: list[str]) -> tuple[str, str]:
    """Styles and scripts by their addresses on this server: (for the head, for the end)."""
    head = "".join(f'<link rel="stylesheet" href="{escape(url)}">' for url in styles)
    return head, "".join(f'<script src="{escape(url)}"></script>' for url in scripts)


def included(styles: list[str], scripts: list[str]) -> tuple[str, str]:
    """Their texts instead, for a page that is read without a server."""
    head = "".join(f"<style>{text}</style>" for text in styles)
    safe = (text.replace("</script", "<\\/script") for text in scripts)
    return head, "".join(f"<script>{text}</script>" for text in safe)


def report_page(report: Report, theme: str, head: str, tail: str) -> str:
    """HTML with everything in it; ``head`` and ``tail`` are of ``linked`` or ``included``."""
    body = Markup("").join(
        [
            _above(report),
            *(_run(run) for run in report.runs),
            _numbers(report),
            Markup('<p class="quiet">{}</p>').format(report.shown) if report.shown else "",
            *(_chart(chart.name, chart.title, chart.question) for chart in report.charts),
        ]
    )
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="{escape(theme)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report.title)} – Reclaim Lab report</title>{head}</head>"
        f'<body class="report"><main>{body}</main>{_data(report)}{tail}</body></html>'
    )


def _above(report: Report) -> Markup:
    told = Markup("<p><strong>{}</strong></p>").format(report.difference)
    found = Markup('<p class="verdict">{}</p>').format(report.verdict)
    return Markup(
        '<header><p class="report-tools"><button type="button" class="button" data-report-print>'
        "Print or save as PDF</button></p><h1>{}</h1><p>{}</p>{}{}"
        '<p class="report-link"><a href="{}">{}</a></p></header>'
    ).format(
        report.title, report.question, told if report.difference else "",
        found if report.verdict else "", report.link, report.link,
    )  # fmt: skip


def _run(run: Ran) -> Markup:
    facts = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, value) for name, value in run.facts
    )
    return Markup(
        '<section class="report-run"><h2>{}: {}</h2><p>{}</p><dl>{}</dl>'
        '<p class="report-link"><a href="{}">{}</a></p></section>'
    ).format(run.letter, run.title, run.words, facts, run.link, run.link)


def _numbers(report: Report) -> Markup:
    letters = [run.letter for run in report.runs]
    rows = []
    for line in report.lines:
        cells = [Markup('<td class="num">{}</td>').format(number_text(line.a))]
        for value, change, mark in zip(line.values[1:], line.changes, line.marks, strict=True):
            cells.append(
                Markup(
                    '<td class="num">{}</td><td class="num">{}</td><td class="mark-{}">{}</td>'
                ).format(number_text(value), change, mark, mark)
            )
        rows.append(
            Markup('<tr><th scope="row">{}</th>{}</tr>').format(
                named_with_unit(line), Markup("").join(cells)
            )
        )
    top = Markup('<th scope="col">Number, unit</th><th scope="col" class="num">A</th>')
    for letter in letters[1:]:
        top += Markup(
            '<th scope="col" class="num">{}</th><th scope="col" class="num">Change</th>'
            '<th scope="col">{} is</th>'
        ).format(letter, letter)
    return Markup(
        '<section><h2>Numbers</h2><div class="report-numbers" tabindex="0" role="region" '
        'aria-label="Numbers"><table class="table"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div></section>"
    ).format(top, Markup("").join(rows))


def _chart(name: str, title: str, question: str) -> Markup:
    return Markup(
        '<figure class="report-figure" data-report-figure="{}"><div class="report-plot">'
        '<p class="quiet">Drawing {}…</p></div><figcaption>{}</figcaption></figure>'
    ).format(name, title, question)


def _data(report: Report) -> str:
    """The charts, as a data block: no script runs in it, and nothing in it can end it."""
    figures: dict[str, Any] = {
        chart.name: {"title": chart.title, "height": chart.height, **chart.figure}
        for chart in report.charts
    }
    text = json.dumps(figures, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{_FIGURES}">{text}</script>'
