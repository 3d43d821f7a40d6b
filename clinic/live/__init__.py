"""Live chat: someone at the clinic takes over a conversation of the website."""
