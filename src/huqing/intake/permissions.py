"""Who may take in, undo and review: the role's permission, the kind of data, and the region."""

from __future__ import annotations

from huqing.access.models import Role, User
from huqing.access.permissions import refusal
from huqing.access.scope import covers, department_kinds_of, prefix_of, sees
from huqing.intake.errors import NotAllowed
from huqing.intake.models import Import, LinkCandidate
from huqing.standards.fields import RecordKind, record_kinds

ROSTERS = ("household", "person")


def kinds_for(user: User | None) -> list[RecordKind]:
    """The kinds of files this account may take in; the system may take in all."""
    return [kind for kind in record_kinds().values() if not upload_refusal(user, kind.key)]


def upload_refusal(user: User | None, kind: str) -> str:
    """Why ``user`` may not take in files of this kind; "" when they may. None is the system itself."""
    if user is None:
        return ""
    reason = refusal(user, "import_roster" if kind in ROSTERS else "import_department")
    if reason:
        return reason
    if user.role == Role.DEPARTMENT and kind not in department_kinds_of(user):
        owner = record_kinds()[kind]
        return f"{owner.name}由{owner.department}提供，您的单位是{user.department or '（未登记）'}，不能导入。"
    return ""


def region_refusal(user: User | None, region: str) -> str:
    """Why ``user`` may not take in data of this region; "" when they may."""
    if user is None or covers(user.region_code, prefix_of(region)):
        return ""
    return f"区划 {region} 不在您的管辖范围内。请选择您管辖的区划。"


def work_refusal(user: User | None, intake: Import) -> str:
    """Why ``user`` may not go on with this import; "" when they may."""
    if user is None:
        return ""
    if not sees(user, intake) and intake.created_by_id != user.pk:
        return "没有这份导入，或不在您的管辖范围内。"
    return upload_refusal(user, intake.record_kind) if intake.record_kind else _any_kind(user)


def undo_refusal(user: User | None, intake: Import) -> str:
    """Why ``user`` may not undo this import; "" when they may."""
    return "" if user is None else refusal(user, "undo_import") or work_refusal(user, intake)


def review_refusal(user: User | None, candidate: LinkCandidate) -> str:
    """Why ``user`` may not decide on this candidate; "" when they may."""
    if user is None:
        return ""
    reason = refusal(user, "review_links")
    if reason:
        return reason
    person_here = covers(user.region_code, candidate.person.region_code)
    return "" if person_here and sees(user, candidate) else "没有这条待判定记录，或不在您的管辖范围内。"


def _any_kind(user: User) -> str:
    return "" if kinds_for(user) else refusal(user, "import_roster")


def require(reason: str) -> None:
    """Raise ``NotAllowed`` with the reason, if there is one."""
    if reason:
        raise NotAllowed(reason)
