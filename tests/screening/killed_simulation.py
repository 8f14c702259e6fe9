"""What the kill test of simulations runs: ``python killed_simulation.py POINT …``; see ``killed_worker``.

Prints one line of JSON: for each point what the death of a simulation left and what recovery made of it; then what two
simulations at the same time come to.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

spec = importlib.util.spec_from_file_location("killed_worker", Path(__file__).with_name("killed_worker.py"))
killed_worker: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(killed_worker)

from huqing.access.models import User  # noqa: E402
from huqing.rules import engine  # noqa: E402
from huqing.screening import outcomes, simulation  # noqa: E402
from huqing.screening.models import Alert, Simulation  # noqa: E402
from huqing.site.server import recover  # noqa: E402

POINTS: dict[str, tuple[Any, str]] = {
    "rules begun": (engine, "check_snapshot"),
    "one outcome there": (outcomes, "compare"),
}


def ask(line: int) -> int:
    clerk = User.objects.get(username="clerk")
    return simulation.ask(by=clerk, region="500236", texts={"monitor_line": str(line)}).pk


def perform(pk: int, point: str) -> None:
    """Compute a simulation and die there."""
    if point in POINTS:
        owner, name = POINTS[point]
        setattr(owner, name, lambda *args, **kwargs: die())
    else:
        whole = Simulation.save

        def die_when_done(self: Simulation, *args: Any, **kwargs: Any) -> None:
            if self.state == Simulation.State.DONE:
                die()
            whole(self, *args, **kwargs)

        Simulation.save = die_when_done  # type: ignore[method-assign]
    simulation.perform(pk)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def report() -> dict[str, Any]:
    root = simulation.root()
    return {
        "simulations": list(Simulation.objects.order_by("id").values_list("id", "state", "message")),
        "folders": sorted(path.name for path in root.iterdir()) if root.exists() else [],
        "alerts": list(Alert.objects.order_by("id").values_list("id", "finding", "state", "evidence_hash")),
    }


def both(first: int, second: int) -> list[int]:
    """Compute two simulations in two processes at the same time; their exit codes."""
    children = []
    for pk in (first, second):
        child = os.fork()
        if child == 0:
            simulation.perform(pk)
            os._exit(0)
        children.append(child)
    return [os.waitpid(child, 0)[1] for child in children]


def main() -> None:
    run = killed_worker.in_a_process
    run(killed_worker.prepare)
    story: dict[str, Any] = {"before": run(report)}
    for number, point in enumerate(sys.argv[1:]):
        pk = run(lambda number=number: ask(1000 + number))
        story[point] = {
            "pk": pk,
            "died": run(lambda pk=pk, point=point: perform(pk, point)),
            "left": run(report),
        }
        run(recover)
        story[point]["recovered"] = run(report)
    first, second = run(lambda: ask(5000)), run(lambda: ask(10000))
    story["both"] = {"codes": run(lambda: both(first, second)), "pks": [first, second], "left": run(report)}
    print(json.dumps(story, ensure_ascii=False))


if __name__ == "__main__":
    main()
