"""Procedures (办理程序) of casework, declared as data: states, moves between them, deadlines, who decides."""

from huqing.packs.procedures.declaration import Move, Procedure, State
from huqing.packs.procedures.reading import procedures, read_procedure

__all__ = ["Move", "Procedure", "State", "procedures", "read_procedure"]
