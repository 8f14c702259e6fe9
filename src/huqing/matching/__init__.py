"""Linking lists to registered people, finding people registered twice."""

from huqing.matching.explain import Agreement
from huqing.matching.people import Candidate, Duplicate, Links, Match, duplicates, link

__all__ = ["Agreement", "Candidate", "Duplicate", "Links", "Match", "duplicates", "link"]
