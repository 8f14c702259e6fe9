"""Risks of monitored households: complete, borne out by the household, and answered by suitable measures (RK)."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.monitoring import MONITORED_TYPES
from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import any_of, count_of, is_true, known, missing

ILLNESS, DISASTER, DISABLED, NO_LABOUR, UNSTABLE_WORK = "01", "02", "03", "04", "07"
HOUSING, SCHOOLING, WATER, OTHER = "08", "09", "10", "99"
CHRONICALLY_ILL, SERIOUSLY_ILL, IN_HEALTH_DISABLED = "02", "03", "04"
Share = Annotated[Param, Unit("比例")]


@variable("户类型是监测对象", of="household")
def typed_monitored(household_type: Column) -> Column:
    """Whether the file's type is one of the three of monitored households; a blank type is none."""
    return is_true(household_type.isin(MONITORED_TYPES))


@variable("持有或登记了残疾证", of="person")
def card_on_file(
    has_card: Column, disability_type: Column, disability_grade: Column, disability_card_year: Column
) -> Column:
    """Whether the register has the person, or the file gives the kind, grade or year of the card."""
    return has_card | known(disability_type) | known(disability_grade) | known(disability_card_year)


@aggregate("户内有持证残疾人", of="household", over="person")
def has_disabled(living: Column, card_on_file: Column) -> Aggregate:
    """Whether a living member has a disability card."""
    return any_of(living & card_on_file)


@variable("患大病或慢性病", of="person")
def ill(health: Column, major_disease: Column, chronic_disease: Column) -> Column:
    """Whether the file gives a serious or chronic illness, in the state of health or by name; unknown if all blank."""
    named = known(major_disease) | is_true(chronic_disease.length() > 0)
    return named | health.contains(CHRONICALLY_ILL) | health.contains(SERIOUSLY_ILL)


@aggregate("户内有人患大病或慢性病", of="household", over="person")
def has_ill(living: Column, ill: Column) -> Aggregate:
    """Whether a living member is seriously or chronically ill."""
    return any_of(living & ill)


@aggregate("有劳动能力的人数", of="household", over="person", unit="人")
def able_members(living: Column, can_work: Column) -> Aggregate:
    """Living members able to work; unknown while the labour of one is missing."""
    return count_of(living & can_work)


@variable("风险没有对症的措施", of="household")
def risk_unanswered(
    *,
    risks: Column,
    identify_dropout: Column,
    identify_uninsured: Column,
    health_measure: Column,
    social_measure: Column,
    compulsory_measure: Column,
    education_measure: Column,
    guarantee_measure: Column,
    housing_measure: Column,
    water_measure: Column,
) -> Column:
    """Whether a recorded risk or problem lacks a measure of the groups that answer it; unknown without risks."""
    return (
        (risks.contains(ILLNESS) & ~health_measure & ~social_measure)
        | (risks.contains(SCHOOLING) & ~compulsory_measure & ~education_measure & ~social_measure)
        | (risks.contains(DISABLED) & ~guarantee_measure & ~social_measure)
        | (risks.contains(HOUSING) & ~housing_measure)
        | (risks.contains(WATER) & ~water_measure)
        | (is_true(identify_dropout) & ~compulsory_measure)
        | (is_true(identify_uninsured) & ~health_measure & ~social_measure)
    )


@finding(
    "监测对象缺少识别时间或类别",
    of="household",
    basis=check("RK01"),
    severity="medium",
    evidence=["household_type", "identified_on"],
    resolve="按评议公示的结果补登户类型和识别监测时间。",
    sentence="户类型是监测对象而识别时间没有填，或有识别时间而户类型没有填。",
)
def rk01(household_type: Column, typed_monitored: Column, identified_on: Column) -> Column:
    """Monitored by type without a date, or recognised on a date without a type."""
    return (typed_monitored & missing(identified_on)) | (known(identified_on) & missing(household_type))


@finding(
    "风险缺少备注或灾害子项",
    of="household",
    basis=check("RK02"),
    severity="medium",
    evidence=["risks", "risk_note", "risk_disaster"],
    resolve="风险选“其他”的补写备注，选“自然灾害”的补选灾害种类。",
    sentence="监测风险选了“其他”却没有备注，或选了“自然灾害”却没有灾害子项。",
)
def rk02(typed_monitored: Column, risks: Column, risk_note: Column, risk_disaster: Column) -> Column:
    """The risk is another one without a note, or a disaster without its kind."""
    unsaid = (risks.contains(OTHER) & missing(risk_note)) | (risks.contains(DISASTER) & missing(risk_disaster))
    return typed_monitored & unsaid


@finding(
    "风险因残而没有持证残疾人",
    of="household",
    basis=check("RK03"),
    severity="medium",
    evidence=["risks", "has_disabled"],
    resolve="核实：有残疾人的办理或补登残疾证，没有的改正风险类型。",
    sentence="监测风险有“因残”，户内却没有持证残疾人。",
)
def rk03_risk(monitored: Column, risks: Column, has_disabled: Column) -> Column:
    """At risk by disability while no member has a card."""
    return monitored & risks.contains(DISABLED) & ~has_disabled


@finding(
    "健康状况为残疾而没有残疾证",
    of="person",
    basis=check("RK03"),
    severity="medium",
    evidence=["health", "card_on_file", "disability_type", "disability_grade"],
    resolve="已办证的补登残疾类别和等级，没有办证的协助办理，不是残疾的改正健康状况。",
    sentence="健康状况登记了残疾，残联名册上没有，档案也没有残疾类别、等级或办证年度。",
)
def rk03_card(health: Column, card_on_file: Column) -> Column:
    """Disabled by the state of health, without a card in the register or the file."""
    return health.contains(IN_HEALTH_DISABLED) & ~card_on_file


@finding(
    "风险因病而没有病人",
    of="household",
    basis=check("RK04"),
    severity="medium",
    evidence=["risks", "has_ill"],
    resolve="核实：有病人的补登健康状况和病种，没有的改正风险类型。",
    sentence="监测风险有“因病”，户内却没有患大病或慢性病的成员。",
)
def rk04(monitored: Column, risks: Column, has_ill: Column) -> Column:
    """At risk by illness while no member is seriously or chronically ill."""
    return monitored & risks.contains(ILLNESS) & ~has_ill


@finding(
    "风险缺劳动力而劳动力占比偏高",
    of="household",
    basis=check("RK05"),
    severity="low",
    evidence=["risks", "able_members", "members"],
    resolve="核实成员的劳动技能和风险类型，改正填错的一项。",
    sentence="监测风险有“缺劳动力”，有劳动能力的成员占比却超过规定比例（人多的户为过半）。",
)
def rk05(
    *,
    monitored: Column,
    risks: Column,
    able_members: Column,
    members: Column,
    labour_short_members: Annotated[Param, Unit("人")],
    labour_short_half: Share,
    labour_short_share: Share,
) -> Column:
    """Short of labour by risk, though half of a large household, or more than a quarter of any, can work."""
    half = (members >= labour_short_members) & (able_members > labour_short_half * members)
    return monitored & risks.contains(NO_LABOUR) & (half | (able_members > labour_short_share * members))


@finding(
    "风险务工不稳而无人能务工",
    of="household",
    basis=check("RK06"),
    severity="low",
    evidence=["risks", "has_worker", "workers_away"],
    resolve="核实：有人务工的补登务工信息，没有劳动力的改正风险类型。",
    sentence="监测风险有“因务工就业不稳”，户内却没有劳动力，或没有任何人登记务工。",
)
def rk06(monitored: Column, risks: Column, has_worker: Column, workers_away: Column) -> Column:
    """At risk by unstable work while nobody can work or nobody is entered as working."""
    return monitored & risks.contains(UNSTABLE_WORK) & (~has_worker | (workers_away == 0))


@finding(
    "措施与风险不对症",
    of="household",
    basis=check("RK07"),
    severity="low",
    evidence=[
        "risks",
        "health_measure",
        "compulsory_measure",
        "education_measure",
        "guarantee_measure",
        "housing_measure",
        "water_measure",
        "social_measure",
    ],
    resolve="对照风险补充对症的措施：因病登健康，因学登教育，因残登综合保障，住房登住房或搬迁，饮水登饮水。",
    sentence="监测户登记了帮扶措施，但至少有一项风险没有对症的措施。",
)
def rk07(monitored: Column, has_measure: Column, risk_unanswered: Column) -> Column:
    """A monitored household with measures of which none answers one of its risks; without any measure see MS01."""
    return monitored & has_measure & risk_unanswered


@finding(
    "识别时饮水有问题而风险没有饮水",
    of="household",
    basis=check("RK08"),
    severity="medium",
    evidence=["identify_water_problem", "risks"],
    resolve="核实识别时的饮水情况：属实的补登“因安全饮水”风险，不属实的更正三保障标记。",
    sentence="三保障标记为饮水出现安全问题，监测风险却没有“因安全饮水”。",
)
def rk08(typed_monitored: Column, identify_water_problem: Column, risks: Column) -> Column:
    """Water was a problem at recognition and the risks do not name it."""
    return typed_monitored & identify_water_problem & ~risks.contains(WATER)
