"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
application = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402  (the apps are ready only now)

from huqing.rules.library import library  # noqa: E402
from huqing.standards.fields import record_kinds  # noqa: E402

# Nearly every page names rules and fields, and all of them need the addresses: reading these takes seconds, which the
# first visitor of each process should not wait for. They are read once, before the processes part.
library()
record_kinds()
get_resolver().url_patterns  # noqa: B018
