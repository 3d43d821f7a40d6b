"""The processes that script/server starts."""
