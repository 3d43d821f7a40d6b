"""Safety triage: does a message tell of something dangerous? See docs/safety.md."""
