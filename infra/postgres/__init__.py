"""One role and one schema per service, no rights on the others'."""
