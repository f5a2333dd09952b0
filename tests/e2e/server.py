"""The page on fake runs, as a process of its own: ``python -m tests.e2e.server CACHE_DIR``.

Prints its port on one line when it serves; ends with its parent.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from werkzeug.serving import make_server

from dashboard.app import create_app
from dashboard.services.jobs import LocalJobs
from dashboard.services.results import ResultStore, open_store
from dashboard.settings import Settings

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


def main() -> None:
    settings = Settings(cache_dir=Path(sys.argv[1]), runners=2, recordings_dir=FIXTURES)
    jobs = LocalJobs(
        settings, ResultStore(open_store(settings)), run="tests.support.fake_run:run", warm=""
    ).start()
    server = make_server("127.0.0.1", 0, create_app(settings, jobs).server, threaded=True)
    print(server.port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    jobs.stop()


if __name__ == "__main__":
    main()
