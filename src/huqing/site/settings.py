"""Django settings. Everything that differs between installations comes from the environment or the data folder."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from huqing.access.logs import configuration
from huqing.site.instance import data_folder, debug_enabled, secret_key

PACKAGE = Path(__file__).resolve().parent.parent
DATA = data_folder()

DEBUG = debug_enabled()
SECRET_KEY = secret_key(DATA)
ALLOWED_HOSTS = os.environ.get("HUQING_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("HUQING_ORIGINS", "").split(",") if origin]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "huqing.access",
    "huqing.registry",
    "huqing.intake",
    "huqing.screening",
    "huqing.teams",
    "huqing.visits",
    "huqing.matters",
    "huqing.plans",
    "huqing.cases",
    "huqing.applications",
    "huqing.rosters",
    "huqing.api",
    "huqing.office",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "huqing.access.middleware.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "huqing.access.middleware.GuardMiddleware",
]

ROOT_URLCONF = "huqing.site.urls"
WSGI_APPLICATION = "huqing.site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "access.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "office" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


def database(url: str) -> dict[str, object]:
    """A Django DATABASES entry for ``sqlite:///path`` or ``postgresql://user:password@host:port/name``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path.removeprefix("/")) or ":memory:",
            # A connection kept open keeps the pages it has read; opening one for every click costs as much as a query.
            "CONN_MAX_AGE": 60,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                # A new file gets large pages (a file of a household is long); an existing one keeps what it has.
                "init_command": "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                "PRAGMA cache_size=-65536;",
            },
        }
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ValueError(
        f"HUQING_DATABASE 无法识别：{parts.scheme}://…。请写 sqlite:////路径 或 postgresql://用户:口令@主机:端口/库名。"
    )


EMBEDDED = f"sqlite:///{quote(str(DATA / 'huqing.sqlite3'))}"
DATABASES = {"default": database(os.environ.get("HUQING_DATABASE") or EMBEDDED)}

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA / "files"}},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# Landing what phones sent is the background process' work; tests have none.
HUQING_LAND_AT_ONCE = False

# Local time of the nightly screening.
SCREEN_AT = os.environ.get("HUQING_SCREEN_AT", "02:00")

# auth block: sign-in, sessions, headers, logs (huqing.access)
HTTPS = os.environ.get("HUQING_HTTPS", "") == "1"
# `huqing serve` speaks plain HTTP: where there is HTTPS there is a proxy before it.
PROXIES = int(os.environ.get("HUQING_PROXIES", "1" if HTTPS else "0"))

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "huqing.access.passwords.ShapeRule"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "huqing.access.passwords.NotTheNameRule"},
    {"NAME": "huqing.access.passwords.HistoryRule"},
]
HUQING_ACCOUNT_FAILURES = int(os.environ.get("HUQING_ACCOUNT_FAILURES", "5"))
HUQING_ADDRESS_FAILURES = int(os.environ.get("HUQING_ADDRESS_FAILURES", "20"))
# Public forms: the least seconds between opening and sending one; posts taken from an address an hour, for a village
# and from a phone a day.
HUQING_FORM_SECONDS = int(os.environ.get("HUQING_FORM_SECONDS", "3"))
HUQING_FORM_LIMITS = tuple(int(number) for number in os.environ.get("HUQING_FORM_LIMITS", "20,200,3").split(","))
# A phone fetches a dozen lists one after the other: for so long after the first they are those of that moment.
HUQING_LISTS_SECONDS = int(os.environ.get("HUQING_LISTS_SECONDS", "5"))
HUQING_IDLE_MINUTES = int(os.environ.get("HUQING_IDLE_MINUTES", "30"))

ACCOUNT_ADAPTER = "huqing.access.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# The lockout in huqing.access.lockout takes the place of limits that count per process.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_FORMS = {
    "login": "huqing.access.forms.SignInForm",
    "reauthenticate": "huqing.access.forms.PasswordAgainForm",
    "change_password": "huqing.access.forms.NewPasswordForm",
}
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
MFA_ADAPTER = "huqing.access.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "户情"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "huqing.access.forms.CodeForm",
    "reauthenticate": "huqing.access.forms.CodeOnceMoreForm",
    "activate_totp": "huqing.access.forms.ActivateCodeForm",
}

SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and PROXIES else None
# Not "no-referrer": browsers then send "Origin: null" with every form, which the CSRF check must refuse.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)

LOGGING = configuration(debug=DEBUG)
DEFAULT_EXCEPTION_REPORTER = "huqing.access.errors.Reporter"
