"""Every write on the registry: keyword-only, ``by`` a user or None for the system, one transaction, one audit event."""

from huqing.registry.region_actions import assign_grid, create_grid, load_regions, settle_region_change

__all__ = ["assign_grid", "create_grid", "load_regions", "settle_region_change"]
