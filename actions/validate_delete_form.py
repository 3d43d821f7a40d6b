"""Reads the answer to "shall I delete it?"."""

from __future__ import annotations

from actions.form_validation import FormValidation


class ValidateDeleteForm(FormValidation):
    """Fills the deletion form's one slot."""

    NAME = "validate_delete_form"
    SLOTS = ("confirm_delete",)
    CONFIRMATION = "confirm_delete"
