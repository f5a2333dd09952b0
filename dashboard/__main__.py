"""``python -m dashboard``: the page in one process, for working on it; else ``./lab serve``."""

from __future__ import annotations

import argparse

from werkzeug.serving import run_simple

from dashboard.app import create_app
from dashboard.settings import Settings


def main() -> None:
    """Serve until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8050)
    arguments = parser.parse_args()
    server = create_app(Settings.from_env(), frozen=False).server
    run_simple(arguments.host, arguments.port, server, threaded=True)


if __name__ == "__main__":
    main()
