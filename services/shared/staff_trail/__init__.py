"""Who of the staff changed what: one row for each change, in the transaction of its effect, and never changed again."""
