"""Parts of a hand-written document that a command writes."""

from __future__ import annotations

from pathlib import Path


def marks(name: str, command: str) -> tuple[str, str]:
    """The lines around what `command` writes under `name`."""
    return f"<!-- {name}: begin, made by `{command}` -->", f"<!-- {name}: end -->"


def put_between(document: Path, around: tuple[str, str], body: str) -> None:
    """Replaces what stands between two marks of a document. Raises ValueError where it has no marks."""
    begin, end = around
    text = document.read_text()
    if begin not in text or end not in text:
        raise ValueError(f"{document}: must hold the lines {begin} and {end}")
    before, after = text.split(begin)[0], text.split(end)[1]
    document.write_text(f"{before}{begin}\n\n{body}\n\n{end}{after}")
