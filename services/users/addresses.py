"""Mail addresses in the one form in which they are stored and compared."""

from email_validator import EmailNotValidError, validate_email


def normalise(address: str) -> str:
    """Lower case, the domain in ASCII (RFC 5891), so that the same mailbox is always the same text.

    Whether anybody reads it there is for the verification mail to find out. Raises ValueError.
    """
    try:
        # test_environment lets .test pass, which RFC 6761 keeps for what its name says.
        found = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return str(found.ascii_email).lower()
