"""Every write on the registry: keyword-only, ``by`` a user or None for the system, one transaction, audited.

Values come as somebody wrote them and are checked here. A wrong value is a ``ValidationError`` that names its field, a
change that does not fit what is recorded a ``RegistryError``, and what the account may not do ``Refused``.
"""

from huqing.registry.errors import RegistryError
from huqing.registry.file_actions import Edit, set_values
from huqing.registry.household_actions import (
    cancel_household,
    create_household,
    end_label,
    merge_households,
    move_household,
    set_label,
    split_household,
)
from huqing.registry.member_actions import add_member, change_head, remove_member, transfer_member
from huqing.registry.region_actions import assign_grid, create_grid, load_regions, rename_grid, settle_region_change

__all__ = [
    "Edit",
    "RegistryError",
    "add_member",
    "assign_grid",
    "cancel_household",
    "change_head",
    "create_grid",
    "create_household",
    "end_label",
    "load_regions",
    "merge_households",
    "move_household",
    "remove_member",
    "rename_grid",
    "set_label",
    "set_values",
    "settle_region_change",
    "split_household",
    "transfer_member",
]
