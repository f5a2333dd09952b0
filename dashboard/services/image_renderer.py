"""A renderer process: figures in, PNG, SVG or PDF out, through one long-lived Chromium.

``python -m dashboard.services.image_renderer`` reads requests from stdin, one JSON line each, and
answers on stdout with a JSON line and, after it, as many bytes as the line says. A process of its
own, because Chromium and what drives it take half a gigabyte and sometimes have to be killed.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any, BinaryIO

NO_CHROME = "no-chrome"


def answer(out: BinaryIO, data: bytes = b"", **header: Any) -> None:
    """One answer."""
    out.write(json.dumps(header | {"bytes": len(data)}).encode() + b"\n" + data)
    out.flush()


def main() -> int:
    """Serve until stdin closes."""
    import kaleido

    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever prints, it does not print into the answers
    # kaleido says at every image of its running server that options of a start are ignored.
    warnings.filterwarnings("ignore", message=".*kopts.*")
    try:
        # mathjax=False: nothing is fetched from another host.
        kaleido.start_sync_server(n=1, silence_warnings=True, mathjax=False)
    except RuntimeError as error:
        answer(out, error=NO_CHROME, detail=str(error))
        return 1
    try:
        for line in sys.stdin.buffer:
            request = json.loads(line)
            try:
                image = kaleido.calc_fig_sync(request["figure"], opts=request["opts"])
            except RuntimeError as error:
                no_chrome = "chrom" in str(error).lower()
                answer(out, error=NO_CHROME if no_chrome else "failed", detail=str(error)[:500])
            except Exception as error:
                answer(out, error="failed", detail=f"{type(error).__name__}: {error}"[:500])
            else:
                answer(out, image)
    finally:
        kaleido.stop_sync_server(silence_warnings=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
