"""Settings for tests: SQLite in a temporary folder, or the PostgreSQL that HUQING_DATABASE names."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Workers inherit the environment of the process that starts them; each needs a data folder of its own.
if os.environ.get("HUQING_TEST_FOLDER_OF") != os.environ.get("PYTEST_XDIST_WORKER", "main"):
    os.environ["HUQING_TEST_FOLDER_OF"] = os.environ.get("PYTEST_XDIST_WORKER", "main")
    os.environ["HUQING_DATA"] = tempfile.mkdtemp(prefix="huqing-test-")
    atexit.register(shutil.rmtree, os.environ["HUQING_DATA"], ignore_errors=True)
os.environ.setdefault("HUQING_SECRET_KEY", "only-for-tests")
os.environ.setdefault("HUQING_SEAL_KEY", "00112233445566778899aabbccddeeff" * 2)

from huqing.site.settings import *  # noqa: F403
from huqing.site.settings import DATA, DATABASES, STATIC_ROOT, STORAGES, TEMPLATES

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # In a file, as installed: a reader of the shared in-memory database is refused while another thread writes.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA / "test.sqlite3")}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
HUQING_LAND_AT_ONCE = True
# Tests send a form as soon as they have its page; how long one must wait has tests of its own.
HUQING_FORM_SECONDS = 0
# Tests look at once for what has changed.
HUQING_LISTS_SECONDS = 0
TEMPLATES[0]["OPTIONS"]["string_if_invalid"] = "‼未定义变量 %s‼"
# Whitenoise warns about a folder that is not there, and warnings are errors.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
