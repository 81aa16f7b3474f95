"""Django's settings. Every value from outside comes through `shelfwise.env`."""

import sys
from pathlib import Path
from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from shelfwise import env
from shelfwise.observability.logs import logging_config

try:
    ENV = env.read()
except env.BadEnvironment as error:
    sys.exit(f"shelfwise: {error}")

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = sys.argv[1:2] == ["test"]
DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key
JWT_SIGNING_KEYS = ENV.jwt_signing_keys
ALLOWED_HOSTS = ENV.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENV.csrf_trusted_origins
METRICS_TOKEN = ENV.metrics_token
METRICS_PORT = ENV.metrics_port

# The partners; an empty URL: there is none.
PAYMENT_URL = ENV.payment.url
PAYMENT_KEY = ENV.payment.key
PAYMENT_WEBHOOK_SECRET = ENV.payment.webhook_secret
SHIPPING_URL = ENV.shipping.url
SHIPPING_KEY = ENV.shipping.key
SHIPPING_WEBHOOK_SECRET = ENV.shipping.webhook_secret
ISBN_URL = ENV.isbn_url
OUTBOUND_CA_FILE = ENV.outbound_ca_file
PRIVATE_TARGETS = ENV.private_targets

ROOT_URLCONF = "shelfwise.urls"
WSGI_APPLICATION = "shelfwise.wsgi.application"
APPEND_SLASH = False
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# nplusone keys its work by thread and toggles global receivers: for debug and tests only.
WATCH_LAZY_LOADS = DEBUG or TESTING
NPLUSONE_RAISE = True

INSTALLED_APPS = [
    "shelfwise.admin.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",  # operator classes of indexes
    "django.contrib.staticfiles",
    *(["nplusone.ext.django"] if WATCH_LAZY_LOADS else []),
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",  # the assets of its page
    "shelfwise.tenancy",
    "shelfwise.devservers",
    "procrastinate.contrib.django",  # before the apps whose tasks it finds
    "catalog",
    "orders",
]

MIDDLEWARE = [
    "shelfwise.observability.requests.RequestMiddleware",
    "shelfwise.api.errors.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "shelfwise.tenancy.middleware.TenantScopeMiddleware",
    "shelfwise.observability.queries.QueryCountMiddleware",
    "shelfwise.api.throttling.ThrottleMiddleware",
    "shelfwise.cache.views.CachedAnswerMiddleware",
    "shelfwise.api.conditional.ConditionalReadMiddleware",
    "shelfwise.browser.PlainTextMiddleware",
    "shelfwise.browser.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "shelfwise.browser.AuthenticationMiddleware",
    "shelfwise.tenancy.middleware.StaffTenantMiddleware",
    "shelfwise.browser.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    *(["nplusone.ext.django.NPlusOneMiddleware"] if WATCH_LAZY_LOADS else []),
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "shelfwise/admin/templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# A request waits seconds, a command (migration, import) minutes; neither waits for ever. A job that
# waits for a partner has no transaction open meanwhile.
SERVES = ENV.web or ENV.worker
STATEMENT_TIMEOUT_MS = 5_000 if ENV.web else 60_000 if ENV.worker else 600_000
LOCK_TIMEOUT_MS = 2_000 if SERVES else 30_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000 if SERVES else 600_000

_DATABASE_OPTIONS: dict[str, Any] = {
    "connect_timeout": 3,
    "application_name": "shelfwise",
    **ENV.database["OPTIONS"],
    "options": " ".join(
        [
            ENV.database["OPTIONS"].get("options", ""),
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
            f"-c lock_timeout={LOCK_TIMEOUT_MS}",
            f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}",
            # The default of 4 is for disks that turn: with it a deep `page` is sorted from a full
            # scan (74 ms) instead of read from the index in order (docs/indexes.md).
            "-c random_page_cost=1.1",
            "-c TimeZone=UTC",  # else each new connection sets it in a round trip of its own
        ]
    ).strip(),
}
if SERVES:
    _DATABASE_OPTIONS["pool"] = {
        "min_size": 1,
        # Every thread can hold one; the token revocations' thread and a health check come on top.
        "max_size": (env.WEB_THREADS if ENV.web else sum(env.JOB_SLOTS.values())) + 2,
        "timeout": 3,
        "max_lifetime": 3600,  # so that a failover or a changed password reaches every connection
        "max_idle": 600,
        # The default of 300 s keeps errors going long after the server is back.
        "reconnect_timeout": 2,
    }
DATABASES = {
    "default": {
        **ENV.database,
        "OPTIONS": _DATABASE_OPTIONS,
        "CONN_MAX_AGE": 0,  # Django's pool demands it
        "CONN_HEALTH_CHECKS": SERVES,  # shelfwise.postgresql says how
    }
}

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": ENV.redis_url,
        "OPTIONS": {
            # A hung server costs each of a worker's threads this once; then the breaker is open.
            "SOCKET_CONNECT_TIMEOUT": 0.1,
            "SOCKET_TIMEOUT": 0.1,
            "REDIS_CLIENT_CLASS": "shelfwise.cache.client.DirectClient",
            "PARSER_CLASS": "shelfwise.cache.deadlines.PunctualParser",
            # redis-py's own retries wait 4 s on a refused connection.
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    }
}

# How long an answer is kept, if nothing of it changes; 0: not at all. Tests of views look at what
# is, in a transaction whose commit never comes: those of the cache switch it on.
CACHED_ANSWER_SECONDS = 0 if TESTING else 60

# Requests a minute and token; 0: nobody is counted. Tests of limits switch it on.
RATE_LIMIT = 0 if TESTING else ENV.rate_limit

AUTH_USER_MODEL = "tenancy.User"
LOGIN_REDIRECT_URL = "/admin/"
AUTHENTICATION_BACKENDS = ["shelfwise.auth.backend.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
# Else it looks for every static file at each start, and the client of each test is a start.
WHITENOISE_AUTOREFRESH = DEBUG or TESTING

# Bodies over the contract's 1 MiB are refused before they are read into memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["shelfwise.api.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["shelfwise.api.parsers.StrictJsonParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["shelfwise.auth.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["shelfwise.auth.permissions.RolePermission"],
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "shelfwise.api.errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "shelfwise.api.openapi.schema.DescribedSchema",
    "URL_FORMAT_OVERRIDE": None,  # `format` is a filter of ours
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "ShelfWise",
    "VERSION": "2",
    "DESCRIPTION": (
        "A tenant's book catalogue and orders. Every error is a problem document (RFC 9457). Times"
        " are RFC 3339 in UTC, ids are UUIDs, prices are in the tenant's currency with every digit"
        " exact."
    ),
    "SERVERS": [{"url": "/"}],
    "SCHEMA_PATH_PREFIX": "/api/v2",
    "SORT_OPERATION_PARAMETERS": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "POSTPROCESSING_HOOKS": ["shelfwise.api.openapi.components.add_shared_components"],
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENV.https
if ENV.https:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    # Probes come from inside, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^health/"]

# A test that wants a line asks for it by assertLogs.
LOGGING = logging_config("CRITICAL" if TESTING else ENV.log_level)
LOGGING_CONFIG = "logging.config.dictConfig"
