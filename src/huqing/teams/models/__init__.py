"""Units, staff, and what they are responsible for, do and are drawn for; one module a part."""

from huqing.teams.models.ledger import Handover, Posting, Responsibility, Staff, StaffImport, Unit
from huqing.teams.models.pairing import Avoidance, PairEdit, PairingProposal, ProposedPair, VillageTrait

__all__ = [
    "Avoidance",
    "Handover",
    "PairEdit",
    "PairingProposal",
    "Posting",
    "ProposedPair",
    "Responsibility",
    "Staff",
    "StaffImport",
    "Unit",
    "VillageTrait",
]
