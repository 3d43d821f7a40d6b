"""Django's settings, from the environment (``.env.example``) and checked at start."""

from __future__ import annotations

from clinic import environment

VAR = environment.var_folder()

SECRET_KEY = environment.secret_key(VAR)
DEBUG = False
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "clinic.audit",
    "clinic.booking",
    "clinic.handoff",
    "clinic.outbox",
    "clinic.conversations",
    "clinic.live",
    "clinic.privacy",
    "clinic.questions",
]
MIDDLEWARE: list[str] = []

DATABASES = {"default": environment.database(VAR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Moments are kept in UTC. The clinic's zone is a fact of clinic.yml, not of the database.
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# The process that uses Django (action server, command line) has its own logging. With DEBUG off,
# Django's database logger writes no statements, which would hold patients' words.
LOGGING_CONFIG = None
