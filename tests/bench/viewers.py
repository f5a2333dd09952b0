"""Fifty people open cached links while simulations run: how long each kind of request takes."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from statistics import quantiles
from urllib.parse import urlsplit

from tests.bench.page import served

VIEWERS, OPENS, EVERY_S = 50, 6, 10.0
SIMULATIONS = 4
LINKS = [f"?v=1&seed={seed}&dur=10000" for seed in range(1, 6)]


class Visitor(threading.Thread):
    """Opens a link every ten seconds, as a browser with nothing in its cache does."""

    def __init__(self, address: str, number: int) -> None:
        super().__init__()
        self.host = urlsplit(address).netloc
        self.number = number
        self.taken: dict[str, list[float]] = defaultdict(list)
        self.failed: list[str] = []

    def run(self) -> None:
        """All of its visits."""
        choice = random.Random(self.number)
        time.sleep(choice.uniform(0, EVERY_S))
        for _ in range(OPENS):
            began = time.monotonic()
            try:
                self.open(choice.choice(LINKS))
            except OSError as error:
                self.failed.append(f"{type(error).__name__}: {error}")
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))

    def open(self, link: str) -> None:
        """One visit."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        self.ask(connection, "page", f"/{link}")
        for path in ("/_dash-layout", "/_dash-dependencies"):
            self.ask(connection, path, path)
        for run in started(self.ask(connection, "start", "/api/start", link)):
            start = 0
            while data := self.ask(connection, "frames", f"/api/frames/{run}?from={start}"):
                start = next_frame(data)
            self.ask(connection, "status", f"/api/status/{run}")
        connection.close()

    def ask(
        self, connection: http.client.HTTPConnection, kind: str, path: str, search: str = ""
    ) -> bytes:
        """One request's body; its time is kept."""
        headers = {
            "X-Viewer": f"v{self.number}", "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/json", "Accept-Encoding": "br",
        }  # fmt: skip
        body = json.dumps({"search": search}) if search else None
        began = time.perf_counter()
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        self.taken[kind].append(1000 * (time.perf_counter() - began))
        if answer.status >= 400:
            self.failed.append(f"{path}: {answer.status}")
        return data if answer.status == 200 else b""


def started(body: bytes) -> list[str]:
    """Keys of the runs of an answer of /api/start."""
    import brotli

    try:
        told = json.loads(body)
    except ValueError:
        told = json.loads(brotli.decompress(body))
    return [run["key"] for run in told["runs"] if "key" in run]


def next_frame(data: bytes) -> int:
    """Number of the message after the last one here."""
    at, following = 0, 0
    if data[:4] != b"RLF1":
        import brotli

        data = brotli.decompress(data)
    while at < len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        header = json.loads(data[at + 8 : at + 8 + length])
        following = header["next"]
        at += 8 + length + header["bytes"]
    return following


class Simulations(threading.Thread):
    """Keeps runs under way that nobody has asked for before, until told to stop."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.over = threading.Event()
        self.ended = 0

    def run(self) -> None:
        """One after another; as many at once as there are of these threads."""
        seeds = iter(range(id(self) % 1_000_000, 1 << 30))
        visitor = Visitor(self.address, 0)
        connection = http.client.HTTPConnection(visitor.host, timeout=30)
        while not self.over.is_set():
            link = f"?v=1&seed={next(seeds)}"
            (key,) = started(visitor.ask(connection, "start", "/api/start", link))
            for state in self._states(visitor, connection, key):
                if self.over.is_set() or state != "RUNNING":
                    break
            self.ended += 1

    def _states(
        self, visitor: Visitor, connection: http.client.HTTPConnection, key: str
    ) -> Iterator[str]:
        while True:
            time.sleep(0.25)
            state = json.loads(visitor.ask(connection, "status", f"/api/status/{key}"))["state"]
            yield "RUNNING" if state == "QUEUED" else state


def main() -> int:
    """Print percentiles for each kind of request."""
    with served() as address:
        first = Visitor(address, 0)
        for link in LINKS:  # into the cache
            first.open(link)
            time.sleep(4)
        simulations = [Simulations(address) for _ in range(SIMULATIONS)]
        visitors = [Visitor(address, n) for n in range(1, VIEWERS + 1)]
        for thread in (*simulations, *visitors):
            thread.start()
        for visitor in visitors:
            visitor.join()
        for simulation in simulations:
            simulation.over.set()
        failed = [text for visitor in visitors for text in visitor.failed]
        print(f"{'ms':20}{'requests':>9}{'p50':>8}{'p95':>8}{'max':>8}")
        for kind in visitors[0].taken:
            times = sorted(t for visitor in visitors for t in visitor.taken[kind])
            marks = quantiles(times, n=20)
            print(f"{kind:20}{len(times):9}{marks[9]:8.0f}{marks[18]:8.0f}{times[-1]:8.0f}")
        print(
            f"{len(failed)} failed; {sum(s.ended for s in simulations)} simulations ran meanwhile"
        )
        for text in failed[:5]:
            print(f"  {text}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
