"""Outputs: a folder for each form, and beside them what the forms share. Plans are only read here."""
