"""Dynamic management: monthly entry and exit lists, re-verification rounds, reconciliation of rosters."""
