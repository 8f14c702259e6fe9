"""Units, staff, and what they are responsible for, do and are drawn for; one module a part."""

from huqing.teams.models.ledger import Handover, Posting, Responsibility, Staff, StaffImport, Unit

__all__ = ["Handover", "Posting", "Responsibility", "Staff", "StaffImport", "Unit"]
