"""Huqing (户情): one household, one file, filled once and used everywhere."""

__version__ = "0.1.0"
