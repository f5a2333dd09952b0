"""A renderer process: figures and pages in, PNG, SVG or PDF out, by one long-lived Chromium.

``python -m dashboard.services.image_renderer`` reads requests from stdin, one JSON line each, and
answers on stdout with a JSON line and, after it, as many bytes as the line says. A process of its
own, because Chromium and what drives it take half a gigabyte and sometimes have to be killed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

NO_CHROME = "no-chrome"
_A4 = {"printBackground": True, "preferCSSPageSize": True, "paperWidth": 8.27, "paperHeight": 11.69}
"""Inches."""


def answer(out: BinaryIO, data: bytes = b"", **header: Any) -> None:
    """One answer."""
    out.write(json.dumps(header | {"bytes": len(data)}).encode() + b"\n" + data)
    out.flush()


async def printed(browser: Any, page: Path) -> bytes:
    """A page as PDF, once it says that its charts are drawn; the asker bounds the time."""
    tab = await browser.create_tab("about:blank")
    try:
        await tab.send_command("Page.navigate", {"url": page.as_uri()})
        drawn = {"expression": "document.body?.dataset.drawn === 'true'"}
        while not (await tab.send_command("Runtime.evaluate", drawn))["result"]["result"]["value"]:
            await asyncio.sleep(0.05)
        answered = await tab.send_command("Page.printToPDF", _A4)
        return base64.b64decode(answered["result"]["data"])
    finally:
        await browser.close_tab(tab)


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
                    image = (
                        await printed(browser, Path(request["page"]))
                        if "page" in request
                        else await browser.calc_fig(request["figure"], opts=request["opts"])
                    )
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
