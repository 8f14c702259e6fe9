"""Working-method packs (工作法): a folder that gives a county the forms, visits, quotas and papers of one method."""
