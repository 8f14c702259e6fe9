"""The helper process that converts forms: pyxform and the readers below it see foreign files here and nowhere else.

Started by ``converting``; speaks JSON lines as the reader of spreadsheets does, and holds no keys and no database.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from huqing.intake.reading.worker import serve
from huqing.packs.forms import convert
from huqing.packs.plain import conversion_as_data
from huqing.rules.errors import Place
from huqing.rules.parameters import Dated, Parameter

_DAY = dt.date(2000, 1, 1)


def answering(out: TextIO) -> Callable[[dict[str, Any]], None]:
    """What is called with each request: {"name", "content" (base64), "parameters": what ``reads`` may name}."""

    def say(**message: Any) -> None:
        out.write(json.dumps(message, ensure_ascii=True) + "\n")
        out.flush()

    def answer(request: dict[str, Any]) -> None:
        try:
            parameters = {told["key"]: _parameter(told) for told in request["parameters"]}
            done = convert(base64.b64decode(request["content"]), request["name"], parameters)
            say(done=conversion_as_data(done))
        except MemoryError:
            say(memory=True)
        except Exception as error:
            say(fault=type(error).__name__)

    return answer


def told_of(parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """As much of each parameter as a conversion asks for."""
    return [
        {"key": one.key, "title": one.title, "unit": one.unit, "type": one.type, "keys": one.keys}
        for one in parameters.values()
    ]


def _parameter(told: dict[str, Any]) -> Parameter:
    values: tuple[Dated, ...] = ()
    return Parameter(**told, note="", values=values, place=Place(told["key"], 0))


if __name__ == "__main__":
    serve(answering)
