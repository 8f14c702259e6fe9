"""What a person's file says: schooling, health, work, insurance, each plausible for the person's age and household."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from huqing.demo import families as rel
from huqing.demo.draw import Draw, Weighted
from huqing.demo.figures import ASSUMED, PUBLISHED
from huqing.demo.identity import Numbers
from huqing.demo.model import Fields, Village, add_months, age_on
from huqing.demo.names import UYGUR, YI, Names

_EDUCATION: tuple[tuple[int, Weighted[str]], ...] = (
    (70, Weighted({"01": 45, "02": 45, "03": 9, "04": 1})),
    (55, Weighted({"01": 15, "02": 50, "03": 28, "04": 7})),
    (40, Weighted({"01": 4, "02": 35, "03": 48, "04": 10, "05": 3})),
    (25, Weighted({"02": 10, "03": 52, "04": 20, "05": 12, "06": 6})),
    (21, Weighted({"03": 42, "04": 38, "05": 16, "06": 4})),
    (0, Weighted({"03": 60, "04": 40})),
)
_SCHOOL_YEARS = {5: "L02", **dict.fromkeys(range(6, 12), "L03"), 12: "L04", 13: "L05", 14: "L06"}
VOCATIONAL = frozenset(f"L{n}" for n in range(10, 20))
_DISABILITY_TYPES: Weighted[str] = Weighted({"4": 55, "1": 12, "2": 12, "3": 2, "5": 7, "6": 8, "7": 4})
_DISABILITY_GRADES: Weighted[str] = Weighted({"1": 15, "2": 28, "3": 27, "4": 30})
ADULT_DISEASES = ("D01", "D02", "D03", "D05", "D08", "D09", "D12", "D14", "D23", "D24", "D28", "D30")
_CHRONIC: Weighted[str] = Weighted({"C01": 62, "C02": 28, "C03": 4, "C04": 6})
_WORK_REGIONS: Weighted[str] = Weighted({"04": 44, "03": 24, "02": 20, "01": 12})
_AWAY = (
    ("广东省", "深圳市", "宝安区"),
    ("广东省", "东莞市", "东莞市"),
    ("广东省", "佛山市", "顺德区"),
    ("浙江省", "宁波市", "慈溪市"),
    ("浙江省", "温州市", "瑞安市"),
    ("福建省", "泉州市", "晋江市"),
    ("江苏省", "苏州市", "昆山市"),
    ("湖北省", "宜昌市", "夷陵区"),
)
_IN_PROVINCE = (("重庆市", "重庆市", "渝北区"), ("重庆市", "重庆市", "沙坪坝区"), ("重庆市", "重庆市", "万州区"))
_HOME = ("重庆市", "重庆市", "奉节县")
_INDUSTRIES = (
    ("制造业", "电子厂"),
    ("建筑业", "建筑劳务公司"),
    ("住宿和餐饮业", "餐饮店"),
    ("批发和零售业", "商贸公司"),
    ("居民服务业", "家政公司"),
)
_WAGES = {"04": (3600, 7200), "03": (3200, 6000), "02": (2400, 4600), "01": (1800, 3400)}
_CHANNELS_AWAY: Weighted[str] = Weighted({"L01": 40, "L02": 35, "L03": 8, "L05": 17})
_CHANNELS_HOME: Weighted[str] = Weighted({"L01": 45, "L02": 20, "L05": 15, "L07": 12, "L08": 8})
_POSTS = ("L01", "L02", "L03", "L04", "L06")
_SCHOOL_OF = {"L03": "{town}中心小学", "L04": "{town}初级中学", "L05": "{town}初级中学", "L06": "{town}初级中学"}
_GENERAL_SCHOOLS = ("奉节县第一中学校", "奉节县第二中学校", "奉节县第三中学校")


def school_name(draw: Draw, grade: str, town: str) -> str:
    """Where a pupil of this grade goes."""
    if grade == "L02":
        return f"{town}中心幼儿园"
    if grade in _SCHOOL_OF:
        return _SCHOOL_OF[grade].format(town=town)
    if grade in ("L07", "L08", "L09"):
        return draw.one(_GENERAL_SCHOOLS)
    if grade in ("L10", "L11", "L12"):
        return "奉节县职业教育中心"
    return "重庆市某职业学院" if grade in VOCATIONAL else "重庆市某大学"


@dataclass
class Lives:
    """Makes people for one town: holds the town's stream, its names and its numbers."""

    draw: Draw
    names: Names
    numbers: Numbers
    as_of: date

    def __post_init__(self) -> None:
        year = self.as_of.year if self.as_of.month >= 9 else self.as_of.year - 1
        self.school_start = date(year, 8, 31)
        self.term = f"{year}-{year + 1}学年第{'一' if self.as_of.month >= 9 or self.as_of.month < 3 else '二'}学期"
        self._birthday_of: dict[int, date] = {age: add_months(self.as_of, -12 * age) for age in range(110)}

    def birth(self, age: int) -> date:
        """A birth date that makes somebody ``age`` full years old, never a birthday on or next to ``as_of``."""
        return self._birthday_of[age] - timedelta(days=self.draw.between(3, 360))

    def person(
        self,
        village: Village,
        member: rel.Member,
        surname: str,
        *,
        tuopin: bool,
        minority: str,
        no_labour: bool = False,
    ) -> Fields:
        """The file of one member, without what depends on the rest of the household."""
        draw = self.draw
        birth = self.birth(member.age)
        f: Fields = {
            "name": self.names.full(surname, member.sex, member.age, minority),
            "sex": member.sex,
            "id_type": "1",
            "id_number": self.numbers.id_number(draw, birth, member.sex),
            "birth_date": birth,
            "relation": member.relation,
            "nationality": minority,
            "political": self._political(member.age),
            "mandarin": member.age < 60 or draw.chance(0.5),
            "alive": True,
            "registered_away": False,
            "military_service": False,
            "dibao": False,
            "tekun": False,
        }
        if 16 <= member.age < 80 and draw.chance(0.7):
            f["phone"] = self.numbers.phone()
        self._schooling(f, member.age, birth, village)
        self._health(f, member.age, tuopin=tuopin, no_labour=no_labour)
        self._labour(f, member.age, no_labour=no_labour)
        self._insurance(f, member.age, tuopin=tuopin)
        if f["labour"] in ("01", "02", "05") and "student_state" not in f:
            self._work(f, member.age, village, tuopin=tuopin)
        if 16 <= member.age < 60 and "student_state" not in f and "work_months" not in f and "public_post" not in f:
            self._without_work(f)
        return f

    def nationality(self, village: Village) -> str:
        """The nationality of a household's family."""
        share = ASSUMED.tujia_in_tujia_towns if "土家族" in village.town else ASSUMED.tujia_elsewhere
        if self.draw.chance(share):
            return "15"
        if self.draw.chance(ASSUMED.other_nationalities):
            return self.draw.one(("06", "06", "03", UYGUR, YI))
        return "01"

    def _political(self, age: int) -> str:
        if age >= 22 and self.draw.chance(0.045):
            return "01"
        return "03" if 14 <= age < 28 and self.draw.chance(0.35) else "13"

    def _schooling(self, f: Fields, age: int, birth: date, village: Village) -> None:
        draw = self.draw
        grade = self._grade(age_on(birth, self.school_start))
        if grade is None:
            f["edu_level"] = draw.of(next(levels for low, levels in _EDUCATION if age >= low))
            return
        f["student_state"] = grade
        if grade != "L01":
            f["school"] = school_name(draw, grade, village.town)
        if grade in VOCATIONAL:
            f["yulu_grant"] = True

    def _grade(self, school_age: int) -> str | None:
        """The grade of somebody of this age on 31 August, None for people out of school."""
        draw = self.draw
        if school_age < 5:
            return "L02" if school_age >= 3 and draw.chance(0.9) else "L01"
        if school_age <= 14:
            return _SCHOOL_YEARS[school_age]
        if school_age <= 17 and (school_age == 15 or draw.chance(0.9)):
            return f"L{(7 if draw.chance(0.62) else 10) + school_age - 15:02d}"
        if 18 <= school_age <= 21 and draw.chance(0.42):
            return f"L{school_age - 5}" if school_age <= 20 and draw.chance(0.5) else f"L{school_age + 2}"
        return "L25" if 22 <= school_age <= 24 and draw.chance(0.03) else None

    def _health(self, f: Fields, age: int, *, tuopin: bool, no_labour: bool) -> None:
        draw = self.draw
        health = []
        share = ASSUMED.disabled_from_60 if age >= 60 else ASSUMED.disabled_below_60
        if no_labour:
            share = PUBLISHED.no_labour_disabled
        elif tuopin:
            share *= 1.8
        if draw.chance(0.35 if age >= 60 else 0.12 if age >= 40 else 0.02 if age >= 18 else 0.002):
            health.append("02")
            f["chronic_disease"] = [draw.of(_CHRONIC)]
        if age >= 18 and draw.chance(PUBLISHED.no_labour_ill if no_labour else 0.018 if age >= 60 else 0.005):
            health.append("03")
            f["major_disease"] = draw.one(ADULT_DISEASES)
        if draw.chance(share):
            health.append("04")
            f["disability_type"] = draw.of(_DISABILITY_TYPES)
            f["disability_grade"] = draw.one(("1", "2")) if no_labour else draw.of(_DISABILITY_GRADES)
            f["disability_card_year"] = self.as_of.year - draw.between(1, 8)
        if no_labour and age < 60 and not health:
            health.append("02")  # nobody of working age is both healthy and without labour
            f["chronic_disease"] = [draw.of(_CHRONIC)]
        f["health"] = health or ["01"]
        f["family_doctor"] = bool(health) or age >= 65 or draw.chance(0.4)

    def _labour(self, f: Fields, age: int, *, no_labour: bool) -> None:
        draw = self.draw
        severe = f.get("disability_grade") in ("1", "2")
        if age < 16 or ("student_state" in f):
            f["labour"] = "04"
        elif no_labour or severe:
            f["labour"] = "03" if age < 60 else "04"
        elif age >= 80:
            f["labour"] = "04"
        elif age >= 60:
            f["labour"] = "05"
        elif f["health"] != ["01"]:
            f["labour"] = "05" if "03" in f["health"] or "04" in f["health"] or draw.chance(0.3) else "01"
        else:
            f["labour"] = "02" if draw.chance(0.2) else "01"

    def _insurance(self, f: Fields, age: int, *, tuopin: bool) -> None:
        draw = self.draw
        employee = (
            22 <= age < 60 and "student_state" not in f and not tuopin and draw.chance(ASSUMED.employee_insurance)
        )
        f["resident_insurance"] = not employee
        f["employee_insurance"] = employee
        f["serious_insurance"] = True
        f["commercial_insurance"] = draw.chance(0.08)
        f["medical_aid"] = False
        if age >= 16 and "student_state" not in f:
            f["resident_pension"] = not employee
            f["employee_pension"] = employee
        if tuopin:
            f["accident_insurance"] = True

    def _work(self, f: Fields, age: int, village: Village, *, tuopin: bool) -> None:
        draw = self.draw
        if f["labour"] == "05" or age >= 60:
            if age < 70 and draw.chance(0.10 if tuopin else 0.02):
                f["public_post"] = draw.one(_POSTS)
                f["public_post_months"] = 12
            return
        if age < 18 or not draw.chance(0.72 if age < 50 else 0.5):
            return
        self.put_to_work(f, village)

    def _without_work(self, f: Fields) -> None:
        """Somebody of working age without a job has no skill or degree that calls for one; a few plan to leave."""
        draw = self.draw
        if f["labour"] == "02":
            f["labour"] = "01"
        if f["edu_level"] in ("05", "06"):
            f["edu_level"] = "04"
        if f["labour"] == "01" and draw.chance(0.12):
            f["plans_work"] = True
            f["work_need"] = draw.one(("岗位推荐", "技能培训", "岗位推荐和技能培训"))

    def put_to_work(self, f: Fields, village: Village, region: str = "") -> None:
        """Give somebody a job that began this year or last and still goes on."""
        draw = self.draw
        region = region or draw.of(_WORK_REGIONS)
        away = region in ("03", "04")
        place = draw.one(_AWAY) if region == "04" else draw.one(_IN_PROVINCE) if region == "03" else _HOME
        industry, firm = draw.one(_INDUSTRIES)
        began = add_months(self.as_of, -draw.between(10, 20))
        f["work_region"] = region
        f["work_province"], f["work_city"], f["work_county"] = place
        f["work_months"] = draw.between(7, 12) if away else draw.between(5, 11)
        f["work_from"] = f"{began:%Y-%m}"
        f["work_income"] = draw.yuan(*_WAGES[region], 100)
        f["employer"] = (
            f"{(place[2] if away else village.town)}{draw.one('恒鑫宏顺永华瑞兴')}{draw.one('达源盛泰丰荣')}{firm}"
        )
        f["industry"] = industry
        f["employ_channel"] = draw.of(_CHANNELS_AWAY if away else _CHANNELS_HOME)
        f["point_to_point"] = f["employ_channel"] == "L03"
        f["travel_subsidy"] = 40000 if away and draw.chance(0.3) else 0
        f["plans_work"] = False
        f.setdefault("phone", self.numbers.phone())
