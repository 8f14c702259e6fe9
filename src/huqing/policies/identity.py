"""Consistency of identity: document numbers, heads and spouses, sex, phones, ages within the family (ID01–ID11).

The second half of ID10, one phone for people who work in different counties, is in ``migrant_work``.
"""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, Param, Unit, aggregate, finding, grouping, variable
from huqing.rules.logic import any_of, count_of, is_true, known, missing, number_of_rows, only, smallest, years_apart

HEAD, SPOUSE = "01", "02"
MALE, FEMALE = "1", "2"
MALE_RELATIONS = ["03", "06", "07", "09", "11", "13", "15", "17", "19", "22", "24", "27"]
FEMALE_RELATIONS = ["04", "05", "08", "10", "12", "14", "16", "18", "20", "23", "25", "26"]
CHILDREN, PARENTS = ["03", "04"], ["11", "12"]
BAD_NUMBER = ["missing", "bad_length", "bad_date", "bad_check"]
RESIDENT_ID, DISABILITY_CARD = "1", "2"
REACHABLE = ["mobile", "landline"]

grouping("same_number", "同一证件号码的人", over="person", by=["id_token"], at_least=2)


@aggregate("使用同一证件号码的人数", of="same_number", over="person", unit="人")
def people_with_number(id: Column) -> Aggregate:
    """People of the county with this document number and an open membership."""
    return number_of_rows(id)


grouping("same_phone", "同一联系电话的农户", over="household", by=["phone_token"], at_least=2)


@aggregate("使用同一联系电话的户数", of="same_phone", over="household", unit="户")
def households_with_phone(id: Column) -> Aggregate:
    """Households of the county with this contact phone."""
    return number_of_rows(id)


@variable("登记性别", of="person", codelist="sex")
def plain_sex(sex: Column) -> Column:
    """Male or female; anything else counts as missing."""
    return only(sex.isin([MALE, FEMALE]), sex)


@aggregate("户主人数", of="household", over="person", unit="人")
def heads(relation: Column, living: Column) -> Aggregate:
    """Living members registered as head."""
    return count_of(living & (relation == HEAD))


@aggregate("配偶人数", of="household", over="person", unit="人")
def spouses(relation: Column, living: Column) -> Aggregate:
    """Living members registered as spouse of the head."""
    return count_of(living & (relation == SPOUSE))


@aggregate("户主为男", of="household", over="person")
def male_head(relation: Column, living: Column, plain_sex: Column) -> Aggregate:
    """Whether a living head is male."""
    return any_of(living & (relation == HEAD) & (plain_sex == MALE))


@aggregate("户主为女", of="household", over="person")
def female_head(relation: Column, living: Column, plain_sex: Column) -> Aggregate:
    """Whether a living head is female."""
    return any_of(living & (relation == HEAD) & (plain_sex == FEMALE))


@aggregate("配偶为男", of="household", over="person")
def male_spouse(relation: Column, living: Column, plain_sex: Column) -> Aggregate:
    """Whether a living spouse is male."""
    return any_of(living & (relation == SPOUSE) & (plain_sex == MALE))


@aggregate("配偶为女", of="household", over="person")
def female_spouse(relation: Column, living: Column, plain_sex: Column) -> Aggregate:
    """Whether a living spouse is female."""
    return any_of(living & (relation == SPOUSE) & (plain_sex == FEMALE))


@aggregate("户主出生日期", of="household", over="person")
def head_born_on(relation: Column, living: Column, born_on: Column) -> Aggregate:
    """The birth date of the living head (of the oldest, should there be several)."""
    return smallest(born_on, living & (relation == HEAD))


@variable("与户主的年龄差", of="person", unit="岁")
def gap_to_head(relation: Column, born_on: Column, head_born_on: Column) -> Column:
    """Years by which the head is older than a child, or a parent older than the head; missing for others."""
    child = only(relation.isin(CHILDREN), years_apart(head_born_on, born_on))
    parent = only(relation.isin(PARENTS), years_apart(born_on, head_born_on))
    return child.coalesce(parent)


@finding(
    "证件号码缺失或不合规则",
    of="person",
    basis=check("ID01"),
    severity="medium",
    evidence=["id_type", "id_state"],
    resolve="核对身份证或户口簿，改正证件号码；登记残疾人证的填20位或22位证号。",
    sentence="证件号码没有填，或位数、出生日期段、校验码不对，或与证件类型的位数不符。",
)
def id01(id_type: Column, id_state: Column) -> Column:
    """The document number is missing, breaks the rules of its standard, or has not the form of its type of document."""
    card_as_id = is_true((id_type == RESIDENT_ID) & (id_state == "valid_card"))
    id_as_card = is_true((id_type == DISABILITY_CARD) & (id_state == "valid"))
    return id_state.isin(BAD_NUMBER) | card_as_id | id_as_card


@finding(
    "证件号码是占位号码",
    of="person",
    basis=check("ID02"),
    severity="medium",
    evidence=["id_state"],
    resolve="填写真实证件号码；尚未办证的留空并写明原因。",
    sentence="证件号码是全9等占位号码。",
)
def id02(id_state: Column) -> Column:
    """The document number is a placeholder."""
    return id_state == "placeholder"


@finding(
    "证件号码与他人重复",
    of="person",
    basis=check("ID03"),
    severity="high",
    evidence=["people_with_number"],
    resolve="核对两人证件；同一人重复登记的办理合并，填错的改正。",
    sentence="全县有不止一名在册人员使用同一证件号码。",
)
def id03(id_token: Column, people_with_number: Column) -> Column:
    """Another person of the county has the same document number; without a number this is no question."""
    return known(id_token) & is_true(people_with_number > 1)


@finding(
    "户主或配偶人数不对",
    of="household",
    basis=check("ID04"),
    severity="medium",
    evidence=["heads", "spouses"],
    resolve="核对户口簿，改正与户主关系；每户一名户主，配偶至多一名。",
    sentence="在世成员中户主不是恰好一人，或配偶多于一人。",
)
def id04(heads: Column, spouses: Column) -> Column:
    """Not exactly one living head, or more than one living spouse."""
    return (heads != 1) | (spouses > 1)


@finding(
    "户主与配偶性别相同",
    of="household",
    basis=check("ID05"),
    severity="low",
    evidence=["male_head", "female_head", "male_spouse", "female_spouse"],
    resolve="核对证件，改正性别或与户主关系。",
    sentence="户主与配偶登记的性别相同。",
)
def id05(male_head: Column, female_head: Column, male_spouse: Column, female_spouse: Column) -> Column:
    """Head and spouse are registered with the same sex."""
    return (male_head & male_spouse) | (female_head & female_spouse)


@finding(
    "与户主关系和性别矛盾",
    of="person",
    basis=check("ID06"),
    severity="low",
    evidence=["relation", "sex"],
    resolve="核对证件，改正性别或与户主关系。",
    sentence="与户主关系所指的性别同登记的性别不一致。",
)
def id06(relation: Column, plain_sex: Column) -> Column:
    """The relation names the other sex than the one registered."""
    return (relation.isin(MALE_RELATIONS) & (plain_sex == FEMALE)) | (
        relation.isin(FEMALE_RELATIONS) & (plain_sex == MALE)
    )


@finding(
    "性别或出生日期与证件号码不符",
    of="person",
    basis=check("ID07"),
    severity="medium",
    evidence=["sex", "id_sex", "birth_date", "id_birth_date"],
    resolve="核对证件，改正填错的一项。",
    sentence="登记的性别或出生日期与证件号码中的不一致。",
)
def id07(plain_sex: Column, id_sex: Column, birth_date: Column, id_birth_date: Column) -> Column:
    """Sex or birth date differs from what the document number says."""
    return (plain_sex != id_sex) | (birth_date != id_birth_date)


@finding(
    "民族、与户主关系、健康状况、劳动技能漏填",
    of="person",
    basis=check("ID08"),
    severity="low",
    evidence=["nationality", "relation", "health", "labour"],
    resolve="入户核实后补填。",
    sentence="民族、与户主关系、健康状况、劳动技能中至少有一项没有填。",
)
def id08(nationality: Column, relation: Column, health: Column, labour: Column) -> Column:
    """One of the four required entries is missing."""
    return missing(nationality) | missing(relation) | missing(health) | missing(labour)


@finding(
    "户联系电话缺失或不合规则",
    of="household",
    basis=check("ID09"),
    severity="low",
    evidence=["has_phone", "phone_state"],
    resolve="补填或改正为11位手机号或带区号的固定电话。",
    sentence="户联系电话没有填，或不是手机号、固定电话。",
)
def id09(has_phone: Column, phone_state: Column) -> Column:
    """The household has no phone number, or one that is neither mobile nor landline."""
    return ~has_phone | ~phone_state.isin(REACHABLE)


@finding(
    "联系电话与他户重复",
    of="household",
    basis=check("ID10"),
    severity="low",
    evidence=["households_with_phone"],
    resolve="核对电话属于哪一户，另一户改填本户电话；确为代留亲属电话的，确认无误并写明是谁的。",
    sentence="全县有不止一户登记同一联系电话。",
)
def id10(phone_token: Column, households_with_phone: Column) -> Column:
    """Another household of the county has the same contact phone; without a phone this is no question."""
    return known(phone_token) & is_true(households_with_phone > 1)


@finding(
    "与户主的年龄差不合理",
    of="person",
    basis=check("ID11"),
    severity="low",
    evidence=["relation", "born_on", "head_born_on", "gap_to_head"],
    resolve="核对出生日期和与户主关系，改正填错的一项（继子女、收养等写明备注后确认）。",
    sentence="子女比户主、或户主比父母只小不到规定年数。",
)
def id11(relation: Column, gap_to_head: Column, parent_gap_years: Annotated[Param, Unit("岁")]) -> Column:
    """A child of the head, or the head of a parent, is less than the given number of years younger."""
    return relation.isin([*CHILDREN, *PARENTS]) & (gap_to_head < parent_gap_years)
