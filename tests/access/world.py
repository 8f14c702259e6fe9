"""Two sets of rows with known numbers: one in the county of the test accounts, one in a foreign county.

Every row of a set has the same primary key, so an address built with that key meets the row of whatever kind it is for.
Foreign rows carry MARK in everything a page could show.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import Model

from huqing.access.models import AuditEvent, User
from huqing.access.seal import seal, token
from huqing.applications.models import Application, ApplicationStep
from huqing.cases.models import (
    Batch,
    BatchLine,
    Case,
    CaseStep,
    Evaluation,
    EvaluationCase,
    Evaluator,
    Evidence,
    Objection,
    PostingProof,
    PublicPosting,
    PublicPostingLine,
)
from huqing.cases.procedure import frozen_for
from huqing.intake.models import Import, LinkCandidate, RowProblem
from huqing.matters.models import Matter, MatterMeeting, MatterStep, MeetingItem
from huqing.matters.procedure import frozen_for as matter_procedure
from huqing.matters.raising import code_token
from huqing.plans.models import Plan, PlannedMeasure, PlanVersion
from huqing.registry.models import (
    DepartmentRecord,
    Entry,
    Grid,
    Household,
    Label,
    Membership,
    Person,
    Region,
    Source,
)
from huqing.rosters import freezing
from huqing.rosters.models import (
    RecheckDifference,
    RecheckItem,
    RecheckRound,
    ReviewLine,
    ReviewRound,
    RosterChange,
    RosterComparison,
    RosterDifference,
    RosterMonth,
)
from huqing.screening.models import Alert, Run, Simulation
from huqing.teams.models import (
    Absence,
    AllowanceLine,
    AllowanceRun,
    Assessment,
    AssessmentLine,
    Avoidance,
    FindingStep,
    Handover,
    InspectionDuty,
    InspectionFinding,
    InspectionRound,
    InspectionTarget,
    PairEdit,
    PairingProposal,
    Posting,
    PresenceDay,
    ProposedPair,
    Provision,
    Responsibility,
    RotaDay,
    Staff,
    StaffImport,
    TeamNote,
    Unit,
    UnitDuty,
    VillageTrait,
)
from huqing.visits.models import (
    AccessLink,
    Attachment,
    Confirmation,
    Form,
    FormVersion,
    Method,
    RecheckDue,
    Submission,
    VisitTask,
)

OWN, FOREIGN = 800_100, 700_100
OWN_MARK, MARK = "本县甲某", "外县乙某"
NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
DAY = dt.date(2024, 6, 1)
ID_NUMBERS = {OWN: "990000199003077596", FOREIGN: "990000198508123456"}
PHONES = {OWN: "13900001111", FOREIGN: "13900002222"}

SCOPED: tuple[type[Model], ...] = (
    Plan,
    PlanVersion,
    PlannedMeasure,
    Household,
    Person,
    Membership,
    Label,
    Entry,
    Source,
    DepartmentRecord,
    Import,
    RowProblem,
    LinkCandidate,
    Alert,
    Run,
    Simulation,
    Submission,
    Attachment,
    RecheckDue,
    VisitTask,
    Confirmation,
    AccessLink,
    Unit,
    UnitDuty,
    Staff,
    Responsibility,
    Posting,
    Handover,
    StaffImport,
    PairingProposal,
    ProposedPair,
    PairEdit,
    Avoidance,
    VillageTrait,
    PresenceDay,
    Absence,
    RotaDay,
    TeamNote,
    Provision,
    AllowanceRun,
    AllowanceLine,
    InspectionRound,
    InspectionTarget,
    InspectionDuty,
    InspectionFinding,
    FindingStep,
    Assessment,
    AssessmentLine,
    Application,
    ApplicationStep,
    Case,
    CaseStep,
    Evidence,
    PublicPosting,
    PublicPostingLine,
    Objection,
    Evaluator,
    Evaluation,
    EvaluationCase,
    PostingProof,
    Batch,
    BatchLine,
    Matter,
    MatterStep,
    MatterMeeting,
    MeetingItem,
)


def number(pk: int) -> str:
    """The household number of a set."""
    return f"H{pk}"


def build(pk: int, mark: str, village: Region, grid: Grid | None) -> None:
    """One row of every kind in ``village``, all with the key ``pk``."""
    code, county = village.code, village.code[:6]
    source = Source.objects.create(
        pk=pk, kind="department", record_kind="insured", title=mark, on=DAY, region_code=code, created_at=NOW
    )
    household = Household.objects.create(
        pk=pk,
        number=number(pk),
        village=village,
        region_code=code,
        grid=grid,
        head_name=mark,
        address=mark,
        group_name=mark,
        member_count=1,
        phone_sealed=seal(PHONES[pk], "phone"),
        phone_token=token("phone", PHONES[pk]),
        updated_at=NOW,
    )
    person = Person.objects.create(
        pk=pk,
        name=mark,
        household=household,
        relation="01",
        region_code=code,
        id_number_sealed=seal(ID_NUMBERS[pk], "id_number"),
        id_token=token("id_number", ID_NUMBERS[pk]),
        updated_at=NOW,
    )
    Membership.objects.create(pk=pk, person=person, household=household, relation="01", joined_on=DAY)
    Label.objects.create(pk=pk, kind="monitor", household=household, valid_from=DAY, source=source, note=mark)
    Entry.objects.create(pk=pk, household=household, source=source, on=DAY, at=NOW, changes={"head_name": ["", mark]})
    record = DepartmentRecord.objects.create(
        pk=pk,
        kind="insured",
        fingerprint=str(pk),
        household=household,
        person=person,
        region_code=code,
        on=DAY,
        subject_name=mark,
        source=source,
        row_number=1,
    )
    intake = Import.objects.create(
        pk=pk,
        state="applied",
        record_kind="insured",
        file_name=f"{mark}.xlsx",
        file_hash=str(pk),
        stored_as="nowhere",
        sheet=mark,
        data_date=DAY,
        region_code=county,
        source=source,
        created_at=NOW,
        message=mark,
    )
    RowProblem.objects.create(
        pk=pk, intake=intake, severity="refused", row_number=1, column="姓名", value=mark, message=mark, remedy=mark
    )
    LinkCandidate.objects.create(pk=pk, record=record, person=person, score=0.9, explanation=[], region_code=code)
    run = Run.objects.create(
        pk=pk,
        state="done",
        trigger="manual",
        as_of=DAY,
        region_code=county,
        rules_version="v",
        started_at=NOW,
        finished_at=NOW,
        message=mark,
    )
    Alert.objects.create(
        pk=pk,
        finding="unsafe_water",
        household=household,
        person=person,
        region_code=code,
        severity="high",
        evidence={"note": mark},
        evidence_hash="0" * 64,
        opened_on=DAY,
        seen_on=DAY,
        opened_by_run=run,
    )
    Simulation.objects.create(
        pk=pk,
        state="done",
        region_code=county,
        note=mark,
        changes=[
            {"parameter": "monitor_line", "title": mark, "now": "1", "then": "2", "now_raw": "1", "then_raw": "2"}
        ],
        counts={"households": 1, "enter_households": 0, "leave_households": 0, "enter": 0, "leave": 0},
        as_of=DAY,
        created_at=NOW,
    )
    clerk = User.objects.create(
        pk=pk,
        username=f"clerk{pk}",
        display_name=f"同事{pk}",
        role="town",
        region_code=county,
        password=make_password("Fengjie-2024!"),
    )
    _visits(pk, mark, village, household, person, clerk)
    _cases(pk, mark, village, household, clerk)
    _plans(pk, mark, household, clerk)
    _rosters(pk, mark, household, person, record, clerk)
    _matters(pk, mark, village, household, clerk)


def _plans(pk: int, mark: str, household: Household, clerk: User) -> None:
    """A plan with a version, and a measure whose row the ledger has lost."""
    plan = Plan.objects.create(
        pk=pk, household=household, made_on=DAY, made_by=clerk, risks=["01"], situation=mark, aim=mark
    )
    PlanVersion.objects.create(
        pk=pk, plan=plan, number=1, on=DAY, at=NOW, by=clerk, reason=mark, content={"situation": mark, "risks": ["01"]}
    )
    PlannedMeasure.objects.create(
        pk=pk, plan=plan, fingerprint=str(pk), staff=Staff.objects.get(pk=pk), added_on=DAY, added_by=clerk
    )


def _visits(pk: int, mark: str, village: Region, household: Household, person: Person, clerk: User) -> None:
    """What is due, what was reported, who is responsible. Forms and methods say nothing about people."""
    code = village.code
    method = Method.objects.create(
        pk=pk, key=f"method{pk}", version="1", title="工作法", digest="0" * 64, installed_at=NOW
    )
    form = Form.objects.create(pk=pk, form_id=f"form{pk}", title="走访", method=method, visit="home", visit_kind="1")
    version = FormVersion.objects.create(
        pk=pk, form=form, version="1", xform="<h/>", md5="0" * 32, conversion={}, published_at=NOW
    )
    submission = Submission.objects.create(
        pk=pk,
        instance_id=f"uuid:{pk}",
        form=form,
        version=version,
        user=clerk,
        household=household,
        person=person,
        region_code=code,
        visited_on=DAY,
        xml=b"",
        xml_hash="0" * 64,
        answers={"/data/note": mark},
        received_at=NOW,
        return_reason=mark,
    )
    Attachment.objects.create(pk=pk, submission=submission, name=f"{mark}.jpg", kind="image/jpeg", size=1)
    task = VisitTask.objects.create(
        pk=pk, method=method, visit="home", household=household, region_code=code, due_on=DAY
    )
    Confirmation.objects.create(
        pk=pk, task=task, token=str(pk), household=household, region_code=code, user=clerk, on=DAY, received_at=NOW
    )
    RecheckDue.objects.create(household=household, asked_at=NOW)
    AccessLink.objects.create(pk=pk, user=clerk, token=str(pk), label=mark, created_at=NOW, created_by=clerk)
    unit = Unit.objects.create(pk=pk, name=mark, region_code=code)
    staff = Staff.objects.create(pk=pk, name=mark, kind="1", unit=unit, region_code=code)
    handover = Handover.objects.create(
        pk=pk, staff=staff, on=DAY, reason=mark, region_code=code, created_at=NOW, created_by=clerk
    )
    Responsibility.objects.create(
        pk=pk,
        staff=staff,
        role="helper",
        region_code=code,
        household=household,
        since=DAY,
        handover=handover,
        successor=staff,
    )
    Posting.objects.create(pk=pk, staff=staff, unit=unit, region_code=code, since=DAY)
    StaffImport.objects.create(
        pk=pk,
        file_name=mark,
        region_code=code[:6],
        columns=["姓名"],
        counts={"rows": 1, "units": 0, "staff": 0, "changed": 0, "duties": 0, "known": 0, "refused": 1},
        refused=[[2, [mark], {"姓名": mark}]],
        created_at=NOW,
        created_by=clerk,
    )
    _pairing(pk, mark, village, household, staff, clerk)


def _pairing(pk: int, mark: str, village: Region, household: Household, staff: Staff, clerk: User) -> None:
    """A proposed pairing with a change by hand, two to avoid, what kind of village it is."""
    code = village.code
    question = {
        "region": code[:6],
        "slots": [{"role": "helper", "of": "household", "whom": ""}],
        "kinds": ["1"],
        "quotas": {"4": [[1, 1]]},
        "wishes": {"keep": 50, "within": "", "balance": 2},
    }
    proposal = PairingProposal.objects.create(
        pk=pk, title=mark, region_code=code[:6], question=question, created_at=NOW, created_by=clerk
    )
    pair = ProposedPair.objects.create(
        pk=pk, proposal=proposal, change="new", staff=staff, role="helper", region_code=code, household=household
    )
    PairEdit.objects.create(pk=pk, proposal=proposal, pair=pair, before=staff, after=staff, at=NOW, by=clerk)
    Avoidance.objects.create(pk=pk, staff=staff, household=household, region_code=code, reason=mark, created_by=clerk)
    VillageTrait.objects.create(pk=pk, village=village, region_code=code, kind="1", since=DAY)
    UnitDuty.objects.create(pk=pk, unit=staff.unit, role="backing_unit", region_code=code, village=village, since=DAY)
    Responsibility.objects.create(staff=staff, role="resident", region_code=code, village=village, since=DAY)
    absence = Absence.objects.create(pk=pk, staff=staff, region_code=code, kind="31", first=DAY, last=DAY, reason=mark)
    PresenceDay.objects.create(pk=pk, staff=staff, region_code=code, day=DAY, kind="1", note=mark, absence=absence)
    RotaDay.objects.create(pk=pk, staff=staff, region_code=code, day=DAY)
    TeamNote.objects.create(pk=pk, staff=staff, region_code=code, kind="problem", on=DAY, text=mark, by=clerk)
    Provision.objects.create(
        pk=pk, staff=staff, region_code=code, year=2024, kind="insurance", done_on=DAY, provider=mark,
        policy_sealed=seal(mark), policy_shown="***1", note=mark, by=clerk,
    )  # fmt: skip
    run = AllowanceRun.objects.create(
        pk=pk, region_code=code[:6], month=DAY.replace(day=1), created_at=NOW, created_by=clerk
    )
    AllowanceLine.objects.create(pk=pk, run=run, staff=staff, region_code=code, steps=[[mark, ""]])
    _inspection(pk, mark, village, staff, clerk)


def _inspection(pk: int, mark: str, village: Region, staff: Staff, clerk: User) -> None:
    """A drawn round with a finding and a step towards putting it right."""
    question = {"candidates": [], "inspectors": [], "count": {}}
    round_ = InspectionRound.objects.create(
        pk=pk,
        title=mark,
        region_code=village.code[:6],
        question=question,
        commitment="0" * 64,
        state="drawn",
        record={"note": mark},
        created_at=NOW,
        drawn_at=NOW,
        created_by=clerk,
    )
    target = InspectionTarget.objects.create(pk=pk, round=round_, village=village, region_code=village.code)
    InspectionDuty.objects.create(pk=pk, target=target, staff=staff)
    finding = InspectionFinding.objects.create(
        pk=pk,
        target=target,
        region_code=village.code,
        text=mark,
        responsible=mark,
        found_on=DAY,
        due_on=DAY,
        found_by=clerk,
    )
    FindingStep.objects.create(pk=pk, finding=finding, state="open", text=mark, on=DAY, by=clerk)
    assessment = Assessment.objects.create(
        pk=pk, title=mark, region_code=village.code[:6], first=DAY, last=DAY, created_at=NOW, created_by=clerk
    )
    AssessmentLine.objects.create(
        pk=pk, assessment=assessment, staff=staff, region_code=village.code, grade="competent", appeal=mark
    )


def _cases(pk: int, mark: str, village: Region, household: Household, clerk: User) -> None:
    """A case with all that belongs to it. What a posting shows is public, so its rows name nobody."""
    procedure = frozen_for(village.code, DAY)
    case = Case.objects.create(
        pk=pk,
        number=f"2024{pk}",
        household=household,
        region_code=village.code,
        procedure=procedure,
        state=procedure.states.get(key="evaluating"),
        clue_source="1",
        clue=mark,
        opened_on=DAY,
        opened_by=clerk,
        entered_on=DAY,
        free_from=DAY,
        due_on=DAY,
    )
    application = Application.objects.create(
        pk=pk,
        receipt=f"2000{pk}",
        kind="risk",
        village=village,
        region_code=village.code,
        name=mark,
        phone_sealed=seal(PHONES[pk], "phone"),
        phone_token=token("phone", PHONES[pk]),
        words=mark,
        channel="page",
        received_at=NOW,
        received_on=DAY,
        due_on=DAY,
        household=household,
        match="found",
    )
    ApplicationStep.objects.create(pk=pk, application=application, what="received", on=DAY, at=NOW, text=mark)
    CaseStep.objects.create(
        pk=pk, case=case, turn=1, move="x", title=mark, before="clue", after="evaluating", by=clerk, on=DAY, at=NOW
    )
    Evidence.objects.create(
        pk=pk, case=case, kind="home_check", turn=0, on=DAY, content={"text": mark}, by=clerk, at=NOW
    )
    posting = PublicPosting.objects.create(
        pk=pk,
        village=village,
        region_code=village.code,
        level="村内公示",
        title="名单",
        columns=[["number", "序号"]],
        rows=[["1"]],
        starts_on=DAY,
        ends_on=dt.date(2099, 1, 1),
        published_at=NOW,
        published_by=clerk,
    )
    PublicPostingLine.objects.create(pk=pk, posting=posting, case=case, turn=0)
    Objection.objects.create(
        pk=pk,
        posting=posting,
        case=case,
        region_code=village.code,
        channel="page",
        text=mark,
        contact_sealed=seal(PHONES[pk], "phone"),
        received_at=NOW,
    )
    Evaluator.objects.create(pk=pk, village=village, region_code=village.code, group_name="1组", name=mark)
    meeting = Evaluation.objects.create(
        pk=pk,
        village=village,
        region_code=village.code,
        held_on=DAY,
        question={"candidates": [], "count": {"": 15}},
        commitment="0" * 64,
        prepared_at=NOW,
        prepared_by=clerk,
        record={"drawn": [mark], "said": mark, "seed": "0" * 64, "commitment": "0" * 64},
        drawn_at=NOW,
    )
    EvaluationCase.objects.create(pk=pk, evaluation=meeting, case=case, turn=1)
    PostingProof.objects.create(
        pk=pk, posting=posting, region_code=village.code, on=DAY, place="村公示栏", by=clerk, at=NOW
    )
    batch = Batch.objects.create(
        pk=pk,
        kind="take",
        move="send_verify",
        title="安排入户",
        region_code=village.code,
        state="done",
        total=1,
        created_at=NOW,
        created_by=clerk,
    )
    BatchLine.objects.create(
        pk=pk,
        batch=batch,
        household=household,
        region_code=village.code,
        case=case,
        turn=0,
        state="refused",
        told=mark,
    )


def _rosters(pk: int, mark: str, household: Household, person: Person, record: DepartmentRecord, clerk: User) -> None:
    """A closed month, a drawn round with a difference, a review waiting for its decision, a difference of rosters."""
    code, county = household.region_code, household.region_code[:6]
    content = {"opening": [], "members": [[household.pk, 0, code]], "changes": []}
    closed = RosterMonth.objects.create(
        pk=pk,
        region_code=county,
        kind="monitor",
        month=DAY.replace(month=4),
        opening=0,
        entered=1,
        left=0,
        closing=1,
        members=freezing.pack(content),
        digest="0" * 64,
        closed_at=NOW,
        closed_by=clerk,
    )
    about = {"pk": pk, "household": household, "region_code": code}
    RosterChange.objects.create(**about, month=closed, direction="in", on=DAY, reason="manual", detail=mark)
    round_ = RecheckRound.objects.create(
        pk=pk,
        title=mark,
        region_code=county,
        fields=[["household", "member_count"]],
        sizes={"": [1, 1]},
        due_on=DAY,
        question=freezing.pack({"title": mark, "candidates": []}),
        seed_sealed=b"",
        commitment="0" * 64,
        state="drawn",
        record=freezing.pack({"note": mark}),
        created_at=NOW,
        created_by=clerk,
        drawn_at=NOW,
        form_id=pk,
    )
    item = RecheckItem.objects.create(
        **about,
        round=round_,
        outcome="met",
        note=mark,
        visited_on=DAY,
        submission_id=pk,
        recorded_at=NOW,
        recorded_by=clerk,
    )
    RecheckDifference.objects.create(pk=pk, item=item, field="member_count", before=1, found=2)
    review = ReviewRound.objects.create(
        pk=pk, title=mark, region_code=county, kind="monitor", as_of=DAY, created_at=NOW, created_by=clerk
    )
    ReviewLine.objects.create(
        **about,
        round=review,
        label_id=pk,
        category="other",
        last_on=DAY,
        due_on=DAY,
        proposal="continue",
        reasons=[mark],
        amount=40_000,
    )
    RosterComparison.objects.create(pk=pk, region_code=county, as_of=DAY, seconds=1.0, made_at=NOW, made_by=clerk)
    RosterDifference.objects.create(
        **about,
        roster="dibao",
        kind="ours",
        identity=f"p{pk}",
        person=person,
        record=record,
        subject_name=mark,
        values=[[mark, "", ""]],
        values_hash="0" * 64,
        why="unknown",
        opened_on=DAY,
        seen_on=DAY,
    )


def _matters(pk: int, mark: str, village: Region, household: Household, clerk: User) -> None:
    """A matter that is being worked on and was talked about. What is public of it names nobody."""
    procedure = matter_procedure(village.code, DAY)
    matter = Matter.objects.create(
        pk=pk,
        number=f"20{pk}",
        village=village,
        region_code=village.code,
        household=household,
        kind="road",
        channel="staff",
        text=mark,
        raiser_name=mark,
        phone_sealed=seal(PHONES[pk], "phone"),
        code_token=code_token(f"20{pk}", PHONES[pk][-4:]),
        procedure=procedure,
        state=procedure.states.get(key="doing"),
        raised_on=DAY,
        raised_by=clerk,
        entered_on=DAY,
        due_on=DAY,
        free_from=DAY,
        answer=mark,
        public_problem="路灯不亮",
        public_result="已换新灯",
        published_at=NOW,
    )
    MatterStep.objects.create(
        pk=pk, matter=matter, turn=1, move="x", title=mark, before="raised", after="doing", by=clerk, on=DAY, at=NOW
    )
    meeting = MatterMeeting.objects.create(
        pk=pk,
        village=village,
        region_code=village.code,
        held_on=DAY,
        place=mark,
        host=mark,
        present=9,
        notes=mark,
        created_at=NOW,
        created_by=clerk,
    )
    MeetingItem.objects.create(pk=pk, meeting=meeting, matter=matter, turn=0, agreed=True, text=mark)


def state(pk: int) -> list[dict[str, Any]]:
    """Everything the scoped rows of a set hold, to see whether something changed them."""
    return [row for model in SCOPED for row in model.objects.filter(pk=pk).values()]


def newest_event() -> int:
    """The key of the last audit event."""
    last = AuditEvent.objects.order_by("-id").first()
    return last.pk if last else 0
