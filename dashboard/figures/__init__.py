"""Charts as data: what each one shows (specs), and plotly figures as plain dicts.

No dash, no I/O, no clock. ``registry.FIGURES`` names every chart; ``fill.figure_dict`` draws one
of a Result for export and CLI; the page draws the same specs in JavaScript (``assets/chart-*.js``),
which ``registry.spec_json`` sends to it.
"""
