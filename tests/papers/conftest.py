"""Property tests try the same examples on every machine and in every run."""

from hypothesis import settings

settings.register_profile("huqing", derandomize=True, deadline=None)
settings.load_profile("huqing")
