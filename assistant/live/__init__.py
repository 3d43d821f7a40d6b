"""Live chat on the assistant's side: silent while a person is there, true to what was said."""
