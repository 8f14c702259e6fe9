"""Measures of help: what a household gets, in time, suited to it, and agreeing with what its members receive (MS)."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import all_of, any_of, is_true, known, missing, months_before

INDUSTRY, EMPLOYMENT, FINANCE, PUBLIC_POST = "100A39", "100A40", "100A41", "100A42"
HEALTH, COMPULSORY, EDUCATION, GUARANTEE = "100A45", "100A46", "100A47", "100A48"
HOUSING, WATER, SOCIAL, RELOCATION = "100A50", "100A51", "100A52", "100A53"
LABOUR_EXPORT, AWAY_SUBSIDY = "4002", "4003"
DIBAO, TEKUN, DISABILITY = "4801", "4802", "4805"
RELOCATION_FOLLOW_UP = "5301"
WAITING, RUNNING = "1", "2"
AWAY = ["03", "04"]
Months = Annotated[Param, Unit("月")]


@variable("已登记", of="measure")
def registered(registered_on: Column, as_of: Day) -> Column:
    """Whether the measure was registered by the day."""
    return is_true(registered_on <= as_of)


@variable("已实施", of="measure")
def implemented(registered: Column, state: Column) -> Column:
    """Whether the measure is registered and is being, or has been, carried out."""
    return registered & (state != WAITING)


@variable("正在享受", of="measure")
def running(registered: Column, state: Column, ended_on: Column, as_of: Day) -> Column:
    """Whether the measure is being carried out and has not ended by the day."""
    return registered & (state == RUNNING) & ~is_true(ended_on < as_of)


@variable("开发式帮扶", of="measure")
def developmental(measure_group: Column, public_post_develops: Annotated[Param, Unit("1计入0不计入")]) -> Column:
    """Whether the measure helps people to earn: industry, employment, finance, and public posts where they count."""
    groups = [INDUSTRY, EMPLOYMENT, FINANCE, *([PUBLIC_POST] if public_post_develops else [])]
    return measure_group.isin(groups)


@aggregate("有帮扶措施", of="household", over="measure")
def has_measure(registered: Column) -> Aggregate:
    """Whether any measure is registered."""
    return any_of(registered)


@aggregate("只有综合保障措施", of="household", over="measure")
def only_guarantee(registered: Column, measure_group: Column) -> Aggregate:
    """Whether every registered measure is of the group of guarantees; true without measures."""
    return all_of(~registered | (measure_group == GUARANTEE))


@aggregate("有产业帮扶", of="household", over="measure")
def industry_measure(implemented: Column, measure_group: Column) -> Aggregate:
    """Whether a measure for industry has been carried out."""
    return any_of(implemented & (measure_group == INDUSTRY))


@aggregate("有就业或公益性岗位帮扶", of="household", over="measure")
def work_measure(implemented: Column, measure_group: Column) -> Aggregate:
    """Whether a measure for employment or a public post has been carried out."""
    return any_of(implemented & measure_group.isin([EMPLOYMENT, PUBLIC_POST]))


@aggregate("有健康帮扶", of="household", over="measure")
def health_measure(registered: Column, measure_group: Column) -> Aggregate:
    """Whether a measure for health is registered."""
    return any_of(registered & (measure_group == HEALTH))


@aggregate("有义务教育保障", of="household", over="measure")
def compulsory_measure(registered: Column, measure_group: Column) -> Aggregate:
    """Whether a measure for compulsory schooling is registered."""
    return any_of(registered & (measure_group == COMPULSORY))


@aggregate("有教育帮扶", of="household", over="measure")
def education_measure(registered: Column, measure_group: Column) -> Aggregate:
    """Whether a measure for education beyond that is registered."""
    return any_of(registered & (measure_group == EDUCATION))


@aggregate("有综合保障", of="household", over="measure")
def guarantee_measure(registered: Column, measure_group: Column) -> Aggregate:
    """Whether a guarantee (allowance, support, pension, insurance) is registered."""
    return any_of(registered & (measure_group == GUARANTEE))


@aggregate("有住房安全保障或搬迁", of="household", over="measure")
def housing_measure(registered: Column, measure_group: Column) -> Aggregate:
    """Whether a measure for safe housing or a relocation is registered."""
    return any_of(registered & measure_group.isin([HOUSING, RELOCATION]))


@aggregate("有饮水安全保障", of="household", over="measure")
def water_measure(registered: Column, measure_group: Column) -> Aggregate:
    """Whether a measure for safe water is registered."""
    return any_of(registered & (measure_group == WATER))


@aggregate("有社会帮扶", of="household", over="measure")
def social_measure(registered: Column, measure_group: Column) -> Aggregate:
    """Whether a measure by society (donations, volunteers) is registered."""
    return any_of(registered & (measure_group == SOCIAL))


@aggregate("已实施开发式帮扶", of="household", over="measure")
def development_done(implemented: Column, developmental: Column) -> Aggregate:
    """Whether a measure that helps people to earn has been carried out."""
    return any_of(implemented & developmental)


@aggregate("有登记而未实施的开发式帮扶", of="household", over="measure")
def development_waiting(registered: Column, state: Column, developmental: Column) -> Aggregate:
    """Whether a measure that helps people to earn is registered as not yet carried out."""
    return any_of(registered & developmental & (state == WAITING))


@aggregate("有低保措施在享", of="household", over="measure")
def dibao_measure(running: Column, measure_group: Column, measure_item: Column) -> Aggregate:
    """Whether the subsistence allowance is among the running measures."""
    return any_of(running & (measure_group == GUARANTEE) & (measure_item == DIBAO))


@aggregate("有特困供养措施在享", of="household", over="measure")
def tekun_measure(running: Column, measure_group: Column, measure_item: Column) -> Aggregate:
    """Whether support of the destitute is among the running measures."""
    return any_of(running & (measure_group == GUARANTEE) & (measure_item == TEKUN))


@aggregate("有残疾人补贴措施在享", of="household", over="measure")
def disability_measure(running: Column, measure_group: Column, measure_item: Column) -> Aggregate:
    """Whether an allowance for disabled people is among the running measures."""
    return any_of(running & (measure_group == GUARANTEE) & (measure_item == DISABILITY))


@aggregate("有劳务输出或外出务工补贴措施", of="household", over="measure")
def away_measure(implemented: Column, measure_group: Column, measure_item: Column) -> Aggregate:
    """Whether organised work elsewhere or a subsidy for it has been carried out."""
    return any_of(implemented & (measure_group == EMPLOYMENT) & measure_item.isin([LABOUR_EXPORT, AWAY_SUBSIDY]))


@aggregate("有外出务工补贴措施", of="household", over="measure")
def away_subsidy_measure(implemented: Column, measure_group: Column, measure_item: Column) -> Aggregate:
    """Whether a subsidy for working elsewhere has been carried out."""
    return any_of(implemented & (measure_group == EMPLOYMENT) & (measure_item == AWAY_SUBSIDY))


@aggregate("有易地搬迁后续扶持措施", of="household", over="measure")
def relocation_measure(registered: Column, measure_group: Column, measure_item: Column) -> Aggregate:
    """Whether relocation under the poverty programme is registered."""
    return any_of(registered & (measure_group == RELOCATION) & (measure_item == RELOCATION_FOLLOW_UP))


@aggregate("户内有人享受特困供养", of="household", over="person")
def has_tekun(living: Column, on_tekun: Column) -> Aggregate:
    """Whether some living member receives destitute support."""
    return any_of(living & on_tekun)


@aggregate("户内有人领残疾人补贴", of="household", over="person")
def has_disability_allowance(
    living: Column, holds_card: Column, paid_living_allowance: Column, paid_care_allowance: Column
) -> Aggregate:
    """Whether the register pays a living member with a valid card one of the two allowances."""
    return any_of(living & holds_card & (paid_living_allowance | paid_care_allowance))


@aggregate("户内有人务工或在公益性岗位", of="household", over="person")
def somebody_works(living: Column, works_away: Column, public_post_months: Column) -> Aggregate:
    """Whether some living member works away or holds a public post at least a month in the year; a blank means no."""
    return any_of(living & (works_away | is_true(public_post_months >= 1)))


@variable("在县外务工", of="person")
def works_outside(living: Column, works_away: Column, work_region: Column) -> Column:
    """Whether a living person works outside the county; unknown if somebody works and the place is missing."""
    return living & works_away & work_region.isin(AWAY)


@aggregate("户内有人在县外务工", of="household", over="person")
def somebody_outside(works_outside: Column) -> Aggregate:
    """Whether some living member works outside the county."""
    return any_of(works_outside)


@aggregate("县外务工的人领了交通费补助", of="household", over="person")
def travel_paid(works_outside: Column, travel_subsidy: Column) -> Aggregate:
    """Whether somebody working outside the county was paid for travelling; unknown if that is missing."""
    return any_of(works_outside & (travel_subsidy > 0))


@finding(
    "识别后逾期没有登记帮扶措施",
    of="household",
    basis=check("MS01"),
    severity="high",
    evidence=["identified_on", "has_measure"],
    resolve="按风险类型研究措施，尽快登记并实施；已有措施没有登记的补登。",
    sentence="防止返贫致贫对象识别已满规定月数，还没有登记任何帮扶措施。",
)
def ms01(monitored: Column, identified_on: Column, has_measure: Column, as_of: Day, measure_months: Months) -> Column:
    """A monitored household without any measure a month after it was recognised."""
    return monitored & (identified_on <= months_before(as_of, measure_months)) & ~has_measure


@finding(
    "有劳动力的监测户只有综合保障",
    of="household",
    basis=check("MS02"),
    severity="low",
    evidence=["has_worker", "has_measure", "only_guarantee"],
    resolve="核实能否安排产业、就业等开发式帮扶；确实不能的写明原因。",
    sentence="监测户有劳动力，登记的帮扶措施却只有低保、临时救助等综合保障一类。",
)
def ms02(monitored: Column, has_worker: Column, has_measure: Column, only_guarantee: Column) -> Column:
    """A monitored household with labour whose measures are all guarantees."""
    return monitored & has_worker & has_measure & only_guarantee


@finding(
    "有劳动力的监测户逾期没有实施开发式帮扶",
    of="household",
    basis=check("MS03"),
    severity="low",
    evidence=["identified_on", "has_worker", "development_done"],
    resolve="落实至少一项产业、就业、金融或公益性岗位帮扶；确实不能的写明原因。",
    sentence="监测户有劳动力，识别已满规定月数，还没有实施过开发式帮扶。",
)
def ms03(
    *,
    monitored: Column,
    has_worker: Column,
    identified_on: Column,
    development_done: Column,
    as_of: Day,
    development_months: Months,
) -> Column:
    """A monitored household with labour and no measure that helps it to earn, six months after it was recognised."""
    return monitored & has_worker & (identified_on <= months_before(as_of, development_months)) & ~development_done


@finding(
    "开发式帮扶登记了没有实施",
    of="household",
    basis=check("MS03"),
    severity="low",
    evidence=["development_waiting"],
    resolve="核实为什么没有实施：条件已具备的尽快实施并改状态，不再实施的删去。",
    sentence="监测户登记了产业、就业、金融或公益性岗位帮扶，状态是尚未实施。",
)
def ms03_waiting(monitored: Column, development_waiting: Column) -> Column:
    """A monitored household with a registered measure of this kind that has not been carried out."""
    return monitored & development_waiting


@finding(
    "登记的救助措施没有人享受",
    of="household",
    basis=check("MS04"),
    severity="medium",
    evidence=[
        "dibao_measure",
        "has_dibao",
        "tekun_measure",
        "has_tekun",
        "disability_measure",
        "has_disability_allowance",
    ],
    resolve="与民政、残联名册核对：已停发的结束这项措施，名册漏人的请部门更正。",
    sentence="帮扶措施里有低保、特困供养或残疾人补贴在享，户内却没有人在部门名册上享受。",
)
def ms04_measure(
    *,
    dibao_measure: Column,
    has_dibao: Column,
    tekun_measure: Column,
    has_tekun: Column,
    disability_measure: Column,
    has_disability_allowance: Column,
) -> Column:
    """An allowance is a running measure of the household and none of its members receives it."""
    return (
        (dibao_measure & ~has_dibao) | (tekun_measure & ~has_tekun) | (disability_measure & ~has_disability_allowance)
    )


@finding(
    "享受的救助没有登记为措施",
    of="household",
    basis=check("MS04"),
    severity="medium",
    evidence=[
        "has_dibao",
        "dibao_measure",
        "has_tekun",
        "tekun_measure",
        "has_disability_allowance",
        "disability_measure",
    ],
    resolve="把低保、特困供养或残疾人补贴补登为综合保障措施，状态填实施中。",
    sentence="监测户有人在享低保、特困供养或残疾人补贴，帮扶措施里没有登记。",
)
def ms04_missing(
    *,
    monitored: Column,
    dibao_measure: Column,
    has_dibao: Column,
    tekun_measure: Column,
    has_tekun: Column,
    disability_measure: Column,
    has_disability_allowance: Column,
) -> Column:
    """A member of a monitored household receives an allowance that is none of its running measures."""
    return monitored & (
        (has_dibao & ~dibao_measure) | (has_tekun & ~tekun_measure) | (has_disability_allowance & ~disability_measure)
    )


@finding(
    "有就业帮扶而无人务工",
    of="household",
    basis=check("MS05"),
    severity="low",
    evidence=["work_measure", "somebody_works"],
    resolve="核实就业情况：已就业的补登务工或公益性岗位信息，没有就业的说明措施效果并调整。",
    sentence="监测户实施了就业或公益性岗位帮扶，户内却没有人务工或在公益性岗位。",
)
def ms05_work(monitored: Column, work_measure: Column, somebody_works: Column) -> Column:
    """A monitored household helped to work of which nobody works."""
    return monitored & work_measure & ~somebody_works


@finding(
    "有外出务工措施而无人在县外务工",
    of="household",
    basis=check("MS05"),
    severity="low",
    evidence=["away_measure", "somebody_outside"],
    resolve="核对务工区域和措施：务工地填错的改正，已返乡的结束这项措施。",
    sentence="监测户登记了劳务输出或外出务工补贴，户内却没有人在县外务工。",
)
def ms05_away(monitored: Column, away_measure: Column, somebody_outside: Column) -> Column:
    """A monitored household helped to work elsewhere of which nobody works outside the county."""
    return monitored & away_measure & ~somebody_outside


@finding(
    "有外出务工补贴而交通补助为零",
    of="household",
    basis=check("MS05"),
    severity="low",
    evidence=["away_subsidy_measure", "somebody_outside", "travel_paid"],
    resolve="核实补贴是否发放：已发的补填年度交通费补助，没有发的督促发放。",
    sentence="监测户登记了外出务工补贴，县外务工的人年度交通费补助都是零。",
)
def ms05_subsidy(
    monitored: Column, away_subsidy_measure: Column, somebody_outside: Column, travel_paid: Column
) -> Column:
    """A monitored household with a subsidy for working elsewhere, and nobody who works there was paid for the way."""
    return monitored & away_subsidy_measure & somebody_outside & ~travel_paid


@finding(
    "2021年后识别的对象登记了易地扶贫搬迁",
    of="household",
    basis=check("MS06"),
    severity="medium",
    evidence=["identified_on", "relocation_measure"],
    resolve="核对措施：易地扶贫搬迁任务已在“十三五”完成，改登为实际享受的措施。",
    sentence="规定年份及以后识别的监测对象，措施里登记了易地扶贫搬迁。",
)
def ms06(
    household_type: Column,
    identified_on: Column,
    relocation_measure: Column,
    relocation_year: Annotated[Param, Unit("年")],
) -> Column:
    """A household recognised since the programme ended has a relocation of that programme among its measures."""
    recognised = known(identified_on) & ~missing(household_type)
    return recognised & (identified_on.year() >= relocation_year) & relocation_measure
