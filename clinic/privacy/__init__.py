"""Deleting what the clinic keeps of a conversation."""
