"""The process that reads the records out: ``python -m huqing.registry.snapshot_process``.

It is a process of its own because the ADBC driver brings a second SQLite library. Two of them in one process undo each
other's file locks: when Django closes a connection, the locks of the driver's connections are gone and the log they
read from is folded under their feet. It also keeps the memory of the read-out out of the process that serves.

The request comes as one line of JSON on the standard input (so no password shows in the list of processes); progress
and result go out as lines of JSON. When the input ends, the parent is gone and so is this process.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

PARENT_GONE = 3


def main() -> int:
    """Serve one request; the exit code is 0 when the tables are written."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    sys.meta_path.insert(0, _WithoutPandas())
    from huqing.registry.snapshot_read import Reader, open_postgresql, open_sqlite
    from huqing.registry.snapshot_write import write_tables

    try:
        with ExitStack() as stack:
            if request["vendor"] == "sqlite":
                fetches = open_sqlite(request["database"], stack)
            else:
                fetches = open_postgresql(request["database"], stack)
            reader = Reader(request["region"], fetches, request["vendor"])
            rows = write_tables(reader, Path(request["work"]), lambda message, done: _say(progress=[message, done]))
    except Exception as error:
        # Whatever it is, the parent has to put it into words; a traceback of ours would show it statements.
        _say(error=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        return 1
    _say(rows=rows)
    return 0


class _WithoutPandas:
    """Refuses to import pandas: pyarrow loads it where it can, for a fifth of a second and 50 MB nobody here needs."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _say(**message: Any) -> None:
    print(json.dumps(message, ensure_ascii=False), flush=True)


def _leave_with_parent() -> None:
    while sys.stdin.readline():
        pass
    os._exit(PARENT_GONE)


if __name__ == "__main__":
    sys.exit(main())
