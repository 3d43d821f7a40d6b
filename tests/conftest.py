"""The clinic's part set up for all tests of a process, whichever of them come first.

With the staff desk's settings, which hold all of the clinic's apps. Not for the programs that
tests start: those set up what they need themselves.
"""

from __future__ import annotations

import os
import tempfile

# Settings read the environment once; no test may meet the database that is in use here.
if "CLINIC_VAR" not in os.environ:
    os.environ["CLINIC_VAR"] = tempfile.mkdtemp(prefix="clinic-tests-")
os.environ["DJANGO_SETTINGS_MODULE"] = "clinic.desk.settings"

from clinic import setup

setup.ready()
del os.environ["DJANGO_SETTINGS_MODULE"]
