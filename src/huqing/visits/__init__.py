"""Visits: installed methods, forms and their versions, what is due, and what came back from phones."""
