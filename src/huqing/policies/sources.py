"""The documents findings rest on, named once."""

from __future__ import annotations

MONITORING = "《关于健全防止返贫动态监测和帮扶机制的指导意见》（中农组发〔2021〕7号）"
LOW_INCOME = "国办发〔2023〕39号（低收入人口动态监测和常态化救助帮扶）"
HARD_EXPENSE = "民办函〔2024〕31号（刚性支出困难）"
MEDICAL_AID = "国办发〔2021〕42号（重特大疾病医疗保险和救助制度）"
ASSISTANCE = "《社会救助暂行办法》"
COMPULSORY = "《中华人民共和国义务教育法》"
DISABILITY_ALLOWANCES = "国发〔2015〕52号（困难残疾人生活补贴和重度残疾人护理补贴）"
CHILDREN = "国发〔2016〕36号（困境儿童保障）"
FOUR_VISITS = "四访工作法：网格干部定期走访，每户有人负责"

REMOVAL = "风险消除条件（枞阳县、弋江区公开材料）"
PLANS = "本产品建议（L）：一户一策的措施要有始有终"


def check(*numbers: str) -> str:
    """The county data-quality rules with these numbers."""
    return f"数据质量核查规则 {'、'.join(numbers)}"
