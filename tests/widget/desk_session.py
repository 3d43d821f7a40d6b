"""Makes somebody at the front desk and prints the cookie of a browser they are logged in with.

A program of its own, because Django is set up once in each process. Needs CLINIC_VAR.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "tests" / "clinic" / "desk"))
sys.path.insert(0, str(_ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.desk.settings"

from clinic import setup  # noqa: E402

setup.ready()

from desk_people import browser, person  # noqa: E402
from django.conf import settings  # noqa: E402

client = browser(person("natalie", "front_desk", name="Natalie Yeo"))
print(client.cookies[settings.SESSION_COOKIE_NAME].value)
