"""A renderer process: figures in, PNG, SVG or PDF out, through one long-lived Chromium.

``python -m dashboard.services.image_renderer`` reads requests from stdin, one JSON line each, and
answers on stdout with a JSON line and, after it, as many bytes as the line says. A process of its
own, because Chromium and what drives it take half a gigabyte and sometimes have to be killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, BinaryIO

NO_CHROME = "no-chrome"


def answer(out: BinaryIO, data: bytes = b"", **header: Any) -> None:
    """One answer."""
    out.write(json.dumps(header | {"bytes": len(data)}).encode() + b"\n" + data)
    out.flush()


async def serve(requests: BinaryIO, out: BinaryIO) -> int:
    """Draw until the requests end."""
    import kaleido
    from choreographer.errors import ChromeNotFoundError

    try:
        # mathjax=False: nothing is fetched from another host. Its own "sync server" is not used:
        # without a browser that dies in a thread and lets every call wait for ever.
        async with kaleido.Kaleido(n=1, mathjax=False) as browser:
            while line := await asyncio.to_thread(requests.readline):
                request = json.loads(line)
                try:
                    image = await browser.calc_fig(request["figure"], opts=request["opts"])
                except Exception as error:
                    answer(out, error="failed", detail=f"{type(error).__name__}: {error}"[:500])
                else:
                    answer(out, image)
    except (ChromeNotFoundError, RuntimeError) as error:
        answer(out, error=NO_CHROME, detail=str(error)[:500])
        return 1
    return 0


def main() -> int:
    """Serve stdin."""
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever prints, it does not print into the answers
    return asyncio.run(serve(sys.stdin.buffer, out))


if __name__ == "__main__":
    sys.exit(main())
