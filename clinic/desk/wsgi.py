"""The desk as a WSGI application: Django, and the files a browser fetches."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

from clinic.desk import assets


def application() -> WhiteNoise:
    """Make it. Needs ``DJANGO_SETTINGS_MODULE`` to be ``clinic.desk.settings``."""
    served = WhiteNoise(
        get_wsgi_application(),
        max_age=365 * 86400,
        immutable_file_test=lambda path, url: True,
    )
    for folder in assets.FOLDERS:
        served.add_files(folder, prefix=settings.STATIC_URL)
    return served
