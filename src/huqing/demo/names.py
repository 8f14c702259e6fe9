"""Names as frequent as they are: surnames by share, given names by generation, a few nationalities' own names."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

from huqing.demo.draw import Draw, Weighted

_COMPOUND = {"欧阳": 0.06, "司马": 0.01, "上官": 0.01, "诸葛": 0.005, "皇甫": 0.005, "尉迟": 0.002, "夏侯": 0.003}
_GENERATION = "国建文光明德正仕世永朝大成志家兴天万仁义礼祖宗先启承开广应方"
_OLD_MALE = "富贵财发福寿禄才元生平安全林海山川云龙虎松柏银金学友清华武斌忠孝"
_OLD_FEMALE = "秀英兰珍芳琼碧桂素翠淑菊香玉莲梅凤春霞群芬蓉琴华云仙"
_YOUNG_MALE = "浩宇轩博文俊杰泽睿嘉豪子涵铭阳鑫磊航皓逸辰昊天佑梓瑞霖思源奕凡"
_YOUNG_FEMALE = "欣怡雨婷梓涵诗琪思颖佳慧紫萱静雅梦洁语嫣芷若依诺晨曦露瑶可馨悦"
# Outside GB2312, outside GBK (䶮 㛃) and outside the basic plane (𬭚 𣗋): clerks do meet them.
_RARE = "燊堃翀喆祎旸犇昇䶮㛃𬭚𣗋"
_RARE_SHARE = 0.0015
_UYGUR_MALE = ("买买提", "阿布都热合曼", "吐尔逊", "艾力", "依明", "玉素甫", "卡德尔")
_UYGUR_FEMALE = ("阿依古丽", "古丽娜尔", "帕提古丽", "热依汗古丽", "阿米娜", "茹仙古丽")
_YI_FAMILY = ("吉克", "阿尔", "沙马", "吉狄", "勒伍", "马海")
_YI_MALE = ("阿木", "拉且", "木呷", "尔古", "曲布")
_YI_FEMALE = ("阿依", "伍呷", "阿呷", "日作", "金曲")
UYGUR, YI = "05", "07"


@cache
def _column(file: str) -> dict[str, float]:
    text = (resources.files("huqing.demo") / "data" / file).read_text(encoding="utf-8")
    return {row[0]: float(row[1]) for row in list(csv.reader(text.splitlines()))[1:]}


class Names:
    """Draws names; one per town, on the town's stream."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self._surnames: Weighted[str] = Weighted({**_column("surnames.csv"), **_COMPOUND})
        self._female = tuple(_column("given_female.csv"))
        self._male = tuple(_column("given_male.csv"))

    def surname(self) -> str:
        """A Han surname by its share of the population."""
        return self.draw.of(self._surnames)

    def given(self, sex: str, age: int) -> str:
        """A given name that fits sex and generation."""
        draw = self.draw
        if draw.chance(_RARE_SHARE):
            return draw.one(_GENERATION) + draw.one(_RARE)
        old, young = (_OLD_MALE, _YOUNG_MALE) if sex == "1" else (_OLD_FEMALE, _YOUNG_FEMALE)
        if age < 25:
            return draw.one(young) if draw.chance(0.12) else draw.one(young) + draw.one(young)
        if draw.chance(0.35):
            return draw.one(self._male if sex == "1" else self._female)
        if sex == "1" or draw.chance(0.25):
            return draw.one(_GENERATION) + draw.one(old)
        return draw.one(old) + draw.one(old)

    def full(self, surname: str, sex: str, age: int, nationality: str = "01") -> str:
        """A full name; Uygur and Yi names are written with a middle dot and carry no Han surname."""
        draw = self.draw
        if nationality == UYGUR:
            return f"{draw.one(_UYGUR_MALE if sex == '1' else _UYGUR_FEMALE)}·{draw.one(_UYGUR_MALE)}"
        if nationality == YI:
            return f"{draw.one(_YI_FAMILY)}·{draw.one(_YI_MALE if sex == '1' else _YI_FEMALE)}"
        return surname + self.given(sex, age)
