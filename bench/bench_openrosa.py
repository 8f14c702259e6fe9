"""Phones at a running server: ``python bench/bench_openrosa.py`` on a demonstration's data folder.

``HUQING_DATA`` and ``HUQING_DATABASE`` name the demonstration (16,000 households or more). Fifty visitors are given 300
households each and a link. Then ``huqing serve`` runs with four web processes and its background process, and

* all fifty fetch everything for the first time at once: our app its packet and the forms; Collect the list, every form,
  every manifest and every list of households and people. First with what the background process has prepared since the
  links were made, then with nothing prepared;
* as many phones as there are connections send filled forms of 3 KB for a minute. A third of the replies are cut: the
  phone has sent everything and hangs up before the answer, then sends again until it reads 201. At the end every
  record must be there, once;
* what was received lands in the files in the background: how fast, and how long the last one waits.

Traffic stays on 127.0.0.1; the senders share the machine's cores with the server and the database.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
FOLDER = Path(os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "county")))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
HOST, PORT = "127.0.0.1", 8766
PHONES, HOUSEHOLDS, WORKERS = 50, 300, 4
PROCESSES, CONNECTIONS = 4, 6
SECONDS = 60
LENGTH = 3000  # bytes of one filled form
CUT = 1 / 3
SYNC_LIMIT, RATE_LIMIT = 2.0, 300
HEADERS = {"X-OpenRosa-Version": "1.0", "Connection": "keep-alive"}
BOUNDARY = "----bench8f3a"
FORM = "four_visits_cadre"


def prepare() -> list[tuple[str, list[bytes]]]:
    """Forms, accounts, duties and links; for every phone its token and templates of filled forms."""
    from django.utils import timezone

    from huqing.access.models import User
    from huqing.registry.models import Household, Region
    from huqing.site import demonstration
    from huqing.teams.models import Responsibility, Staff
    from huqing.visits import links
    from huqing.visits.models import FormVersion, Prepared

    install_forms()
    Prepared.objects.all().delete()
    version = FormVersion.objects.filter(form__form_id=FORM).order_by("-published_at").first()
    households = list(
        Household.objects.filter(status="active").order_by("region_code", "pk").values_list("pk", flat=True)
    )
    phones = []
    since = timezone.localdate().replace(year=2020)
    for number in range(PHONES):
        mine = households[number * HOUSEHOLDS : (number + 1) * HOUSEHOLDS]
        if len(mine) < HOUSEHOLDS:
            raise SystemExit("too few households: build the demonstration with 16,000")
        user, _ = User.objects.get_or_create(
            username=f"fang{number:02d}",
            defaults={"display_name": f"走访员{number}", "role": "visitor", "region_code": demonstration.COUNTY},
        )
        staff, made = Staff.objects.get_or_create(
            user=user, defaults={"name": user.display_name, "kind": "1", "region_code": demonstration.COUNTY}
        )
        if made:
            codes = dict(Household.objects.filter(pk__in=mine).values_list("pk", "region_code"))
            Responsibility.objects.bulk_create(
                Responsibility(staff=staff, role="helper", household_id=pk, region_code=codes[pk], since=since)
                for pk in mine
            )
        _, token = links.create_link(user=user, label="测量", by=user)
        phones.append((token, [filled(version, pk) for pk in mine]))
    assert Region.objects.exists()
    return phones


def install_forms() -> None:
    """The shipped methods with all their forms, as a county installs them."""
    from huqing.visits.models import Method

    if Method.objects.filter(active=True).count() >= 3:
        return
    from huqing.visits import publishing

    for key in ("four_visits", "linked_visits", "five_looks"):
        if not Method.objects.filter(key=key, active=True).exists():
            publishing.install_method(folder_or_key=key, by=None)


def filled(version: Any, household: int) -> bytes:
    """A filled form of 3 KB about one household, its members included; ``INSTANCE`` stands for its id."""
    from huqing.registry.models import Person

    questions = {item["path"]: item for item in version.conversion["questions"]}
    told = version.conversion
    members = list(Person.objects.filter(household=household).order_by("pk").values_list("pk", flat=True))
    start = version.xform.index("<instance>") + len("<instance>")
    plain = re.sub(r"\s+xmlns(:\w+)?=\"[^\"]*\"", "", version.xform[start : version.xform.index("</instance>", start)])
    root = ElementTree.fromstring(re.sub(r"(</?|\s)\w+:", r"\1", plain))

    def answer(path: str, person: int | None) -> str:
        question = questions.get(path)
        if path == told["subjects"].get("household"):
            return str(household)
        if path == told["member"]:
            return str(person or "")
        match question["type"] if question else "":
            case "select_one" | "select_multiple":
                return str(question["choices"][0][0]) if question["choices"] else ""
            case "text":
                return "与上次走访时一样"
            case "integer" | "decimal":
                return "2"
            case "date":
                return "2026-06-15"
        return ""

    def written(element: Any, path: str, person: int | None) -> str:
        here = f"{path}/{element.tag}"
        if here == told["members"] and person is None:
            return "".join(written(element, path, each) for each in members)
        if element.tag == "meta":
            return "<meta><instanceID>INSTANCE</instanceID></meta>"
        inside = "".join(written(child, here, person) for child in element if "template" not in child.attrib)
        return f"<{element.tag}>{inside or escape(answer(here, person))}</{element.tag}>"

    inside = "".join(written(child, f"/{root.tag}", None) for child in root)
    xml = f'<?xml version="1.0"?><data id="{version.form.form_id}" version="{version.version}">{inside}</data>'
    return xml.encode().replace(b"<data ", b'<data pad="' + b"x" * max(0, LENGTH - len(xml.encode())) + b'" ')


def send_forms(number: int, phones: list[tuple[str, list[bytes]]], ends: float, results: Any) -> None:
    """Send until the time is over, over several connections; puts (ids that were acknowledged, seconds of each)."""
    done: list[tuple[str, float, int]] = []

    def one(connection: int) -> None:
        order = random.Random(number * 100 + connection)
        link = None
        while time.time() < ends:
            token, forms = order.choice(phones)
            instance = f"uuid:{uuid.uuid4()}"
            sent = _request(token, order.choice(forms).replace(b"INSTANCE", instance.encode()))
            began, tries, cut = time.perf_counter(), 0, order.random() < CUT
            while True:
                tries += 1
                try:
                    link = link or socket.create_connection((HOST, PORT), timeout=60)
                    link.sendall(sent)
                    if cut:
                        link.close()
                        link, cut = None, order.random() < CUT
                        continue
                    if _status(link) == 201:
                        break
                except OSError:
                    pass
                if link is not None:
                    link.close()
                link = None
                if tries > 20:
                    raise SystemExit("twenty tries in vain")
            done.append((instance, time.perf_counter() - began, tries))

    threads = [threading.Thread(target=one, args=(each,)) for each in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(done)


def _request(token: str, xml: bytes) -> bytes:
    body = (
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="xml_submission_file"; filename="s.xml"\r\n'
            f"Content-Type: text/xml\r\n\r\n"
        ).encode()
        + xml
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
    return (
        f"POST /key/{token}/submission HTTP/1.1\r\nHost: {HOST}:{PORT}\r\nX-OpenRosa-Version: 1.0\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _status(link: socket.socket) -> int:
    """The status of the answer on a kept connection; its body is read to the end."""
    received = b""
    while b"\r\n\r\n" not in received:
        block = link.recv(65536)
        if not block:
            raise OSError("hung up")
        received += block
    head, _, rest = received.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    while len(rest) < length:
        rest += link.recv(65536)
    return int(head.split(b" ", 2)[1])


SYNCS = {
    "our app": ("packet",),
    "Collect": ("list",),
    "our app and Collect": ("packet", "list"),
}


def first_sync(tokens: list[str], steps: tuple[str, ...], together: Any, results: Any) -> None:
    """What a new phone fetches, in the order in which it fetches it."""

    def one(token: str) -> None:
        connection = http.client.HTTPConnection(HOST, PORT, timeout=120)
        asked = 0

        def get(path: str) -> bytes:
            nonlocal asked
            asked += 1
            connection.request("GET", path, headers=HEADERS)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{answer.status} {path.replace(token, '…')}: {content[:300]!r}")
            return content

        # Not connected before: an idle process would take more than its share of connections.
        together.wait()
        began = time.perf_counter()
        packet, households = b"", 0
        if "packet" in steps:
            packet = get(f"/key/{token}/packet")
            told = json.loads(packet)
            households = len(told["households"])
            for form in told["forms"]:
                get(f"/key/{token}/{form['xml']}")
        if "list" in steps:
            listed = get(f"/key/{token}/formList").decode()
            for url in re.findall(r"<downloadUrl>http://[^/]+([^<]+)</downloadUrl>", listed):
                get(url)
            for manifest in re.findall(r"<manifestUrl>http://[^/]+([^<]+)</manifestUrl>", listed):
                for url in re.findall(r"<downloadUrl>http://[^/]+([^<]+)</downloadUrl>", get(manifest).decode()):
                    get(url)
        ended = time.perf_counter()
        results.put((ended - began, len(packet), households, asked))

    threads = [threading.Thread(target=one, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure_sync(phones: list[tuple[str, list[bytes]]], times: int) -> list[dict[str, Any]]:
    """Fifty phones at once, with everything prepared and with nothing."""
    from django.db import connection

    from huqing.visits.models import Prepared
    from machine import row

    rows = [row("prepared in the background after the links were made", wait_until_prepared() / PHONES, "s per phone")]
    for what, steps in SYNCS.items():
        for turn in range(times):
            found = at_once(phones, steps)
            name = f"50 at once, {what}, turn {turn + 1}"
            rows.append(row(f"{name}: median", statistics.median(each[0] for each in found), "s"))
            rows.append(row(f"{name}: 95th percentile", found[int(PHONES * 0.95)][0], "s", SYNC_LIMIT))
        rows.append(row(f"requests of a phone, {what}", found[0][3], "requests"))
    rows += [
        row("households in a packet", found[0][2], "households"),
        row("a packet", max(each[1] for each in found) / 1e6, "MB", 2),
    ]
    for what, steps in SYNCS.items():
        Prepared.objects.all().delete()
        connection.close()
        found = at_once(phones, steps)
        rows.append(row(f"50 at once, {what}, nothing prepared: 95th percentile", found[int(PHONES * 0.95)][0], "s"))
    return rows


def wait_until_prepared() -> float:
    """How many seconds the background process takes for the packets and lists of all phones."""
    from django.db import connection

    from huqing.visits.models import Prepared

    began = time.perf_counter()
    for _ in range(600):
        if Prepared.objects.filter(user__username__startswith="fang").count() == 2 * PHONES:
            connection.close()
            return time.perf_counter() - began
        time.sleep(0.2)
    raise SystemExit("the phones' packets were not prepared")


def at_once(phones: list[tuple[str, list[bytes]]], steps: tuple[str, ...]) -> list[tuple[float, int, int, int]]:
    """Seconds, bytes of the packet, households and requests of each of fifty phones at once, the fastest first."""
    processes = multiprocessing.get_context("fork")
    tokens = [token for token, _ in phones]
    results: Any = processes.Queue()
    together = processes.Barrier(PHONES)
    workers = [
        processes.Process(target=first_sync, args=(tokens[each::5], steps, together, results)) for each in range(5)
    ]
    for worker in workers:
        worker.start()
    found = sorted(results.get(timeout=300) for _ in range(PHONES))
    for worker in workers:
        worker.join()
    return found


def measure_submissions(phones: list[tuple[str, list[bytes]]], seconds: int, drain: int) -> list[dict[str, Any]]:
    from django.db import connection

    from huqing.visits import arrivals
    from huqing.visits.models import Submission
    from machine import row

    before = Submission.objects.count()
    newest = Submission.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    connection.close()
    processes = multiprocessing.get_context("fork")
    results: Any = processes.Queue()
    began = time.time()
    ends = began + seconds
    senders = [
        processes.Process(target=send_forms, args=(number, phones, ends, results)) for number in range(PROCESSES)
    ]
    for sender in senders:
        sender.start()
    done = [each for _ in senders for each in results.get(timeout=seconds + 120)]
    taken = time.time() - began
    for sender in senders:
        sender.join()
    time.sleep(2)  # requests whose senders have hung up may still be under way
    acknowledged = {instance for instance, _, _ in done}
    stored = list(Submission.objects.filter(pk__gt=0).values_list("instance_id", flat=True))
    waiting = arrivals.waiting()
    landed = Submission.objects.filter(pk__gt=newest).exclude(landed_at=None).count()
    times = sorted(each for _, each, _ in done)
    tries = sum(each for _, _, each in done)
    rows = [
        row("filled forms sent and acknowledged", len(done), "records"),
        row("requests, repeats after cut replies included", tries, "requests"),
        row("filled forms taken, sustained", len(done) / taken, "per second", RATE_LIMIT, at_least=True),
        row("from first byte to 201, repeats included: median", statistics.median(times) * 1000, "ms"),
        row("from first byte to 201, repeats included: 95th percentile", times[int(len(times) * 0.95)] * 1000, "ms"),
        row("acknowledged but not stored", len(acknowledged - set(stored)), "records", 0),
        row("stored twice", len(stored) - len(set(stored)), "records", 0),
        row("stored without having been acknowledged", len(stored) - before - len(acknowledged), "records"),
        row("bytes of a filled form", len(phones[0][1][0]), "bytes"),
        row("landed in files while they came", landed, "records"),
        row("waiting to land at the end", waiting, "records"),
    ]
    at = time.time()
    if waiting:
        while (left := arrivals.waiting()) and time.time() < at + drain:
            time.sleep(1)
        rows.append(row("landing afterwards", (waiting - left) / (time.time() - at), "per second"))
    return rows


def main() -> None:
    import django

    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--only", choices=["sync", "submissions"])
    parser.add_argument("--no-worker", action="store_true")
    parser.add_argument("--drain", type=int, default=60, help="seconds to watch what is left land")
    given = parser.parse_args()
    django.setup()
    from django.db import connection

    from huqing.registry.models import Household
    from machine import save

    phones = prepare()
    total = Household.objects.count()
    vendor = connection.vendor
    connection.close()
    command = [sys.executable, "-m", "huqing.cli", "serve", "--address", f"{HOST}:{PORT}", "--workers", str(WORKERS)]
    server = subprocess.Popen([*command, *(["--no-worker"] if given.no_worker else [])])
    rows: list[dict[str, Any]] = []
    try:
        _wait()
        if given.only != "submissions":
            rows += measure_sync(phones, 2)
        if given.only != "sync":
            rows += measure_submissions(phones, given.seconds, given.drain)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    save(
        f"openrosa_{vendor}" + (f"_{given.only}" if given.only else ""),
        f"Phones at the server: {PHONES} visitors with {HOUSEHOLDS} households each, {total:,} households ({vendor})",
        rows,
    )


def _wait() -> None:
    for _ in range(120):
        try:
            with socket.create_connection((HOST, PORT), timeout=1):
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
