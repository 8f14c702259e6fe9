"""The rules themselves, one module per topic; amounts, ages and limits are in ``parameters/*.yaml``.

* shared: ``people``, ``households`` (who counts, ages, labels, assistance), ``sources`` (documents)
* needs: ``income``, ``medical``, ``schooling``, ``housing``, ``water``, ``work``, ``disaster``, ``disability``,
  ``support``
* files against departments: ``deaths``, ``assets``
* casework: ``visits``, ``monitoring``
* consistency: ``identity`` (ID01-ID11), ``education`` (ED01-ED09)
* benefits: ``benefits_sharing``, ``benefits_presence``, ``benefits_loans``, ``benefits_education``,
  ``benefits_premium``, told step by step by ``benefits_steps``
* ``poverty``: measures of a county (no rules)
"""
