from __future__ import annotations

from huqing.registry.models import Household


def test_a_new_household_gets_a_file(take, rows):
    done = take([rows.household()])
    assert done.state == "applied"
    print(done.counts)
    household = Household.objects.get()
    print(household.items, household.__dict__)
    again = take([rows.household()])
    print(again.counts)
    take([rows.household(工资性收入="13000", 联系电话="16012345679", 户主姓名="李四")])
    from huqing.registry.models import Entry

    print(Entry.objects.get().changes)
