"""What all messaging apps share: see docs/messaging-apps.md."""
