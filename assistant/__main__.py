"""Commands: ``python -m assistant ask | evaluate | check | questions | channels``."""

from __future__ import annotations

import os
import sys
import warnings

# Before Rasa is imported: it sends usage data unless told otherwise.
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
warnings.filterwarnings("ignore")

from assistant.cli import main  # noqa: E402

sys.exit(main())
