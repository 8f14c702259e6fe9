"""A procedure drawn from its declaration, as Mermaid text, which the documentation's readers see as a drawing."""

from __future__ import annotations

from huqing.packs.procedures.declaration import Procedure

MANY = 4


def mermaid(made: Procedure) -> str:
    """A state diagram: deadlines in the states, moves as arrows.

    A move from more than four states is written below the drawing by ``elsewhere``: its arrows would hide the rest.
    """
    lines = ["stateDiagram-v2", f"  [*] --> {made.start.key}"]
    for state in made.states:
        told = [state.title]
        if state.at_least:
            told.append(f"满 {state.at_least}")
        if state.within:
            told.append(f"{state.within}内")
        lines.append(f"  {state.key} : {'，'.join(told)}")
    for move in made.moves:
        if len(move.start) <= MANY:
            lines += [f"  {name} --> {move.to} : {move.title}" for name in move.start]
    lines += [f"  {state.key} --> [*]" for state in made.states if state.kind == "end"]
    return "\n".join(lines)


def elsewhere(made: Procedure) -> list[tuple[str, str, str]]:
    """The moves the drawing leaves out: title, from where, to where."""
    title = {state.key: state.title for state in made.states}
    return [
        (move.title, "、".join(title[name] for name in move.start), title[move.to])
        for move in made.moves
        if len(move.start) > MANY
    ]
