"""Who is responsible: units, staff, and the dated ledger of their duties."""
