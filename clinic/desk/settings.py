"""Django's settings of the staff desk: those of the clinic, and what a website with people needs.

The worker and the action server use ``clinic.settings`` alone, to start quickly.
"""

from __future__ import annotations

from clinic.desk import assets, options
from clinic.desk.words import issuer
from clinic.settings import *  # noqa: F403
from clinic.settings import INSTALLED_APPS as CLINIC_APPS

DESK = options.read()

INSTALLED_APPS = [
    *CLINIC_APPS,
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "clinic.people",
    "clinic.desk",
]
MIDDLEWARE = [
    "clinic.desk.headers.Headers",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "clinic.people.access.Access",
]
ROOT_URLCONF = "clinic.desk.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "clinic.desk.context.everywhere",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
# Its address holds a hash of all files, so browsers keep them until one changes.
STATIC_URL = assets.address()

ALLOWED_HOSTS = sorted({DESK.host, "127.0.0.1", "localhost"})
CSRF_TRUSTED_ORIGINS = [DESK.address]
CSRF_FAILURE_VIEW = "clinic.desk.problems.csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SAMESITE = "Lax"
# With the prefix, browsers refuse the cookie from another host or without encryption.
_PREFIX = "__Host-" if DESK.encrypted else ""
SESSION_COOKIE_NAME = f"{_PREFIX}desk_session"
CSRF_COOKIE_NAME = f"{_PREFIX}desk_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = DESK.encrypted
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# The longest session, however busy: a working day. Idle ones end sooner (clinic.people.access).
SESSION_COOKIE_AGE = 12 * 3600
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if DESK.encrypted else 0
# Waitress says so when a reverse proxy that is counted in CLINIC_PROXIES was reached over TLS.
SECURE_SSL_REDIRECT = False

AUTH_USER_MODEL = "people.Person"
LOGIN_URL = "login"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# One wrong code a second, then two, four and so on: django-otp's own brake beside the lock-out.
OTP_TOTP_THROTTLE_FACTOR = 1
# What an app on a phone calls the desk.
OTP_TOTP_ISSUER = issuer
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
