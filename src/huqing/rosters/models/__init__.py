"""Monthly lists, re-verification rounds, reviews, and differences between rosters."""

from huqing.rosters.models.differences import RosterComparison, RosterDifference
from huqing.rosters.models.months import RosterChange, RosterMonth
from huqing.rosters.models.rechecks import RecheckDifference, RecheckItem, RecheckRound
from huqing.rosters.models.reviews import ReviewLine, ReviewRound

__all__ = [
    "RecheckDifference",
    "RecheckItem",
    "RecheckRound",
    "ReviewLine",
    "ReviewRound",
    "RosterChange",
    "RosterComparison",
    "RosterDifference",
    "RosterMonth",
]
