"""How many of one unit make another."""

from __future__ import annotations

FEN_PER_YUAN = 100
LI_PER_MU = 100
PER_CENT = 100
