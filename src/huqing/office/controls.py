"""How form fields become controls: the same classes, hints and error links on every page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BoundField


def describe(bound: BoundField, *, label: str = "", autofocus: bool = False) -> dict[str, Any]:
    """What the field template needs: the rendered control, its label, and which kind of control it is."""
    widget = bound.field.widget
    attributes: dict[str, Any] = {}
    if not isinstance(widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple):
        attributes["class"] = "form-select" if isinstance(widget, forms.Select) else "form-control"
    about = [f"{bound.id_for_label}-hint"] if bound.help_text else []
    if bound.errors:
        about.append(f"{bound.id_for_label}-errors")
        attributes["aria-invalid"] = "true"
    if about:
        attributes["aria-describedby"] = " ".join(about)
    if autofocus:
        attributes["autofocus"] = True
    # Browsers and libraries bring English placeholders; the label says it already.
    attributes["placeholder"] = widget.attrs.get("data-placeholder", "")
    return {
        "label": label or bound.label,
        "widget": bound.as_widget(attrs=attributes),
        "hidden": bound.is_hidden,
        "choices": isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple),
        "checkbox": isinstance(widget, forms.CheckboxInput),
        "optional": not bound.field.required,
    }
