"""Units, staff, and what they are responsible for, do and are drawn for; one module a part."""

from huqing.teams.models.assessment import Assessment, AssessmentLine
from huqing.teams.models.inspections import (
    FindingStep,
    InspectionDuty,
    InspectionFinding,
    InspectionRound,
    InspectionTarget,
)
from huqing.teams.models.ledger import Handover, Posting, Responsibility, Staff, StaffImport, Unit, UnitDuty
from huqing.teams.models.pairing import Avoidance, PairEdit, PairingProposal, ProposedPair, VillageTrait
from huqing.teams.models.resident import (
    Absence,
    AllowanceLine,
    AllowanceRun,
    PresenceDay,
    Provision,
    RotaDay,
    TeamNote,
)

__all__ = [
    "Absence",
    "AllowanceLine",
    "AllowanceRun",
    "Assessment",
    "AssessmentLine",
    "Avoidance",
    "FindingStep",
    "Handover",
    "InspectionDuty",
    "InspectionFinding",
    "InspectionRound",
    "InspectionTarget",
    "PairEdit",
    "PairingProposal",
    "Posting",
    "PresenceDay",
    "ProposedPair",
    "Provision",
    "Responsibility",
    "RotaDay",
    "Staff",
    "StaffImport",
    "TeamNote",
    "Unit",
    "UnitDuty",
    "VillageTrait",
]
