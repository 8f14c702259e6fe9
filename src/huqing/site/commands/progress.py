"""Progress bars for long commands: one line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Report = Callable[[str, float], None]


@contextmanager
def progress(title: str) -> Iterator[Report]:
    """Give a callback ``(what is happening now, fraction done)``; print a bar on a terminal, else a line per step."""
    if not sys.stderr.isatty():
        last = ""

        def plain(message: str, fraction: float) -> None:
            nonlocal last
            if message != last:
                last = message
                print(f"{title}：{message}（{fraction:.0%}）", file=sys.stderr, flush=True)

        yield plain
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
        console=Console(stderr=True),
        transient=False,
    ) as bar:
        task = bar.add_task(title, total=1.0, step="")

        def drawn(message: str, fraction: float) -> None:
            bar.update(task, completed=fraction, step=message)

        yield drawn
        bar.update(task, completed=1.0, step="完成")
