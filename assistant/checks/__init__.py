"""The checks of the project's language data, by subject. ``assistant.data_checker`` runs them."""
