"""The rules themselves, one module per topic; amounts, ages and limits are in ``parameters/*.yaml``.

Shared by all: ``people`` and ``households`` (who counts, ages, labels, assistance). Topics: ``income``.
"""
