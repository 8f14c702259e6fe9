"""The rule language: small functions that decide findings, dated parameters, one query for a whole county.

* ``language``: how a rule is written (``variable``, ``aggregate``, ``finding``, ``grouping``, ``input_table``).
* ``logic``: three-valued helpers for rules (unknown is never false), shares of fen, running totals.
* ``parameters``, ``schedules``, ``settings``: dated amounts per region, from YAML; segments and values by code.
* ``library``: all rules together; names resolved, mistakes reported with file, line and remedy.
* ``compiler`` and ``plans``: rules to SQL, cached on disk.
* ``engine``, ``recheck``, ``explain``, ``catalogue``: screen a snapshot, re-check one household, explain it, list the
  rules.
* ``benefits``, ``values``, ``inputs``: compute chosen values of every row instead of deciding findings.
"""
