"""Stripe's error envelope (https://docs.stripe.com/api/errors)."""

from infra.sandbox.store import Document


class ApiError(Exception):
    """A refusal as Stripe words it. Raise it only before the first write, or after all of them: what was written stays.

    kind: Stripe's `type`. executed: the endpoint had begun its work, so that an Idempotency-Key keeps this answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
        details: Document | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        fields = {"type": kind, "code": code, "message": message, "param": param, **(details or {})}
        self.body: Document = {"error": {name: value for name, value in fields.items() if value is not None}}


class InvalidParameter(ApiError):
    """Refused before anything ran; no Idempotency-Key remembers it."""

    def __init__(self, message: str, param: str | None, code: str | None = None) -> None:
        super().__init__(message, param=param, code=code, executed=False)


class NoSuchObject(ApiError):
    def __init__(self, noun: str, object_id: str, param: str) -> None:
        super().__init__(f"No such {noun}: '{object_id}'", status=404, code="resource_missing", param=param)


class UnexpectedState(ApiError):
    """The intent's status does not allow it; the intent comes along as it stands."""

    def __init__(self, message: str, intent: Document, param: str | None = None) -> None:
        super().__init__(
            message, code="payment_intent_unexpected_state", param=param, details={"payment_intent": intent}
        )


class Unauthenticated(ApiError):
    def __init__(self, message: str) -> None:
        super().__init__(message, status=401, executed=False)
