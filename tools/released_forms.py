"""Say whether a shipped form that counties may already use was changed under its old version; ``--add`` notes new ones.

A county that has published a version keeps it: the same version with other content is refused when the next release is
installed, and phones have drafts on it. So every version that has left the house is listed with a hash of what a phone
gets (``released_forms.txt``); a changed form needs a new version in its settings sheet, and then a line of its own.
A code list that a form takes its choices from is part of the form.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

from huqing.packs.shipped import shipped, shipped_keys

LIST = Path(__file__).with_name("released_forms.txt")


def present() -> dict[tuple[str, str], str]:
    """The hash of every shipped form as it is now, by form id and version."""
    found = {}
    for key in shipped_keys():
        for form in shipped(key).forms.values():
            bound = [(question.path, question.reads, question.writes) for question in form.questions]
            content = form.xml.encode() + json.dumps(bound, ensure_ascii=False).encode()
            found[form.form_id, form.version] = hashlib.sha256(content).hexdigest()
    return found


def released() -> dict[tuple[str, str], str]:
    """What the list says."""
    rows = [line.split() for line in LIST.read_text(encoding="utf-8").splitlines()]
    return {(form, version): digest for form, version, digest in rows}


def problems(known: dict[tuple[str, str], str], now: dict[tuple[str, str], str]) -> list[str]:
    """What is wrong, form by form, and what to do."""
    found = []
    for (form, version), digest in sorted(now.items()):
        if (form, version) not in known:
            found.append(f"{form} {version} is not listed: run python tools/released_forms.py --add")
        elif known[form, version] != digest:
            found.append(
                f"{form} has changed (or a code list in it) and still calls itself {version}: raise version in its "
                "settings, then run python tools/released_forms.py --add"
            )
    return found


def add(known: dict[tuple[str, str], str], now: dict[tuple[str, str], str]) -> None:
    """Write the list with the versions that are new; those listed stay as they are."""
    rows = sorted({**now, **known}.items())
    LIST.write_text("".join(f"{form} {version} {digest}\n" for (form, version), digest in rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--add", action="store_true", help="note the versions that are not listed yet")
    now = present()
    if parser.parse_args().add:
        add(released() if LIST.exists() else {}, now)
    found = problems(released(), now)
    print("\n".join(found) or f"{len(now)} shipped forms are as they were released, or new.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
