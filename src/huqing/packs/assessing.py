"""Whether the assessments of a method fit its actors and visits; what is wrong is noted with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huqing.packs.manifest import OF_RESIDENTS, Method

if TYPE_CHECKING:
    from huqing.packs.reading import Reader


def check_assessments(reader: Reader, method: Method) -> None:
    """An assessment is about an actor of the ledger, and counts what such people have records of."""
    visits = {visit.key: visit for visit in method.visits}
    for plan in method.assessments:
        reader.exists(plan, "actor", plan.actor, [actor.key for actor in method.actors], "actors")
        duties = method.duties_of(plan.actor)
        if not duties:
            reader.at(plan, "actor", "这类人没有对应的责任，不知道考核谁", "在 actors 里给它写 duties: [责任代号]")
        for item in plan.indicators:
            if item.measure in OF_RESIDENTS and "resident" not in duties:
                reader.at(item, "measure", f"{item.measure} 只有驻村工作队员有记录", "换一种算法，或换 actor")
            if item.measure in OF_RESIDENTS and item.visit:
                reader.at(item, "visit", f"{item.measure} 与走访无关", "删去 visit")
            if item.visit:
                reader.exists(item, "visit", item.visit, list(visits), "visits")
            visit = visits.get(item.visit)
            if visit is not None and visit.subject != "household":
                reader.at(item, "visit", f"走访“{visit.title}”的对象不是农户", "改成走访农户的，或删去 visit")
            if item.measure == "visits_on_time" and (visit is None or visit.every.once):
                reader.at(item, "measure", "不知道多久应走访一次", "写 visit:，并且那项走访要有间隔或轮次")
