"""A file as lines: plain, .xz or .gz by its first bytes, streamed, limited, robust.

What could be decompressed before the damage, the limit or an endless line is given; ``problem``
then says why there is no more.
"""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from sim.traces.errors import TraceError

MAX_BYTES: Final = 256 << 20
"""Default limit of one file, bytes after decompression."""
MAX_LINE: Final = 64 << 10
"""Longest line, bytes."""
_BLOCK: Final = 1 << 20
_COMPRESSED_BLOCK: Final = 4 << 10  # what damage costs: output of the block it is in is lost
_XZ_MEMORY: Final = 128 << 20

_DAMAGE = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)


class Source:
    """One file; ``blocks`` may be walked once."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.problem = ""
        self.line = 0
        """Number of the last line given."""

    def blocks(self) -> Iterator[list[bytes]]:
        """Lists of whole lines without their newline.

        Raises:
            TraceError: the file cannot be opened or read.
        """
        carry = b""
        for chunk in self._limited():
            lines = (carry + chunk).split(b"\n")
            carry = lines.pop()
            if lines:
                yield lines
                self.line += len(lines)
            if len(carry) > MAX_LINE:
                self.problem = f"line {self.line + 1} is longer than {MAX_LINE} bytes"
                return
        # A last line without newline counts only if the file was not cut there.
        if carry and not self.problem:
            yield [carry]
            self.line += 1

    def text(self) -> bytes:
        """The whole file.

        Raises:
            TraceError: as for ``blocks``, or it is damaged or too large.
        """
        data = b"".join(self._limited())
        if self.problem:
            raise TraceError(self.path, 0, self.problem)
        return data

    def head(self, size: int = 4096) -> bytes:
        """The first bytes, for telling formats apart."""
        found = b""
        beginning = Source(self.path)
        for chunk in beginning._limited():
            found += chunk
            if len(found) >= size:
                break
        self.problem = beginning.problem
        return found[:size]

    def _limited(self) -> Iterator[bytes]:
        total = 0
        try:
            with self.path.open("rb") as file:
                for chunk in _decompressed(file):
                    total += len(chunk)
                    if total > self.max_bytes:
                        self.problem = f"larger than {self.max_bytes} bytes; the rest was not read"
                        yield chunk[: len(chunk) - (total - self.max_bytes)]
                        return
                    yield chunk
        except _DAMAGE as error:
            why = str(error) or type(error).__name__
            self.problem = f"the compressed data end early or are damaged ({why})"
        except OSError as error:
            raise TraceError(self.path, 0, error.strerror or "cannot be read") from None


def _decompressed(file: BinaryIO) -> Iterator[bytes]:
    magic = file.read(6)
    file.seek(0)
    if magic == b"\xfd7zXZ\0":
        yield from _xz(file)
    elif magic[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=file) as unpacked:
            while chunk := unpacked.read1(_BLOCK):
                yield chunk
    else:
        while chunk := file.read(_BLOCK):
            yield chunk


def _xz(file: BinaryIO) -> Iterator[bytes]:
    """Every stream of an .xz file; lzma.open would allow a header to ask for 4 GiB."""
    decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    while True:
        if decoder.eof:
            data = (decoder.unused_data or file.read(_COMPRESSED_BLOCK)).lstrip(b"\0")
            if not data:
                return
            decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        elif decoder.needs_input:
            data = file.read(_COMPRESSED_BLOCK)
            if not data:
                raise EOFError
        else:
            data = b""
        chunk = decoder.decompress(data, _BLOCK)
        if chunk:
            yield chunk
