"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
application = get_wsgi_application()

from huqing.rules.library import library  # noqa: E402  (the apps are ready only now)

# Nearly every page names rules; reading them takes a second, which the first visitor should not wait for.
library()
