"""Poverty measures over people: plain exact definitions, no rules and no database.

* ``samples``: weights, strata and clusters of a sample; ratios with standard errors
* ``income``: incidence, gap, FGT and Gini of incomes against a line; Lorenz curve
* ``grouped``: the same from a published table of income shares (quadratic Lorenz curve)
* ``deprivation``: Alkire–Foster: headcounts, intensity, contributions
* ``profile``: which deprivations are measured, read from YAML
* ``county``: all of it on a snapshot of a county
"""
