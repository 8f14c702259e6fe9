"""The rule language: small functions that decide findings, dated parameters, one query for a whole county.

* ``language``: how a rule is written (``variable``, ``aggregate``, ``finding``, ``grouping``).
* ``logic``: three-valued helpers for rules (unknown is never false).
* ``parameters``: dated amounts per region, from YAML.
* ``library``: all rules together; names resolved, mistakes reported with file, line and remedy.
* ``compiler`` and ``plans``: rules to SQL, cached on disk.
* ``engine``, ``recheck``, ``explain``, ``catalogue``: screen a snapshot, re-check one household, explain it, list the
  rules.
"""
