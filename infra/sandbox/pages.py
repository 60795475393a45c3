"""Pages for people: mailbox, payments, a pay page, the bank's 3-D Secure page. No scripts, nothing from elsewhere."""

import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from infra.sandbox import cards, intents, mail, payments
from infra.sandbox.api import origin_of
from infra.sandbox.currencies import format_money
from infra.sandbox.errors import ApiError
from infra.sandbox.forms import read_fields, validate
from infra.sandbox.params import BankDecision, ConfirmIntent, RetrieveIntent
from infra.sandbox.store import Document
from infra.sandbox.world import Call, World

SHOWN = 50
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-src 'self'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
}

templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
templates.filters["money"] = lambda doc, field="amount": format_money(doc[field], doc["currency"])
router = APIRouter(prefix="/sandbox")


def _page(template: str, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(templates.get_template(template).render(**values), status, HEADERS)


def _wants_page(request: Request) -> bool:
    """A browser says so; everything else gets JSON."""
    return "text/html" in request.headers.get("accept", "")


def _call(request: Request) -> Call:
    world: World = request.app.state.world
    return Call(world, origin_of(world, request))


@router.get("/mail")
async def mails(request: Request, to: str | None = None) -> Response:
    store = request.app.state.world.store
    if to is not None or not _wants_page(request):
        return JSONResponse(mail.index(store, to), headers={"Vary": "Accept"})
    return _page("mail.html", mails=[_for_page(*row) for row in mail.newest(store, SHOWN)])


@router.delete("/mail", status_code=204)
async def clear_mails(request: Request) -> None:
    mail.clear(request.app.state.world.store)


@router.get("/mail/{mail_id}/{number}")
async def attachment(request: Request, mail_id: int, number: int) -> Response:
    part = mail.attachment(request.app.state.world.store, mail_id, number)
    if part is None:
        return JSONResponse({"detail": "no such attachment"}, 404)
    disposition = "inline" if part.type in ("image/png", "image/jpeg", "application/pdf") else "attachment"
    headers = HEADERS | {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return Response(part.content, media_type=part.type, headers=headers)


def _for_page(mail_id: int, summary: Document, message: EmailMessage) -> Document:
    """Pictures inside the HTML are pointed to where the sandbox serves them, links to a page of their own."""
    attached = mail.parts(message)
    urls = {part.cid: f"/sandbox/mail/{mail_id}/{number}" for number, part in enumerate(attached)}
    html = re.sub(r"cid:([^\"'\s>)]+)", lambda found: urls.get(found[1], found[0]), mail.body(message, "html"))
    html = re.sub(r"<html[^>]*>", lambda found: found[0] + '<base target="_blank">', html, count=1)
    listed = [(part.name or part.cid, part.type, len(part.content), urls[part.cid]) for part in attached]
    return {**summary, "id": mail_id, "text": mail.body(message, "plain"), "html": html, "attachments": listed}


@router.get("/payments")
async def all_payments(request: Request) -> Response:
    """JSON for auditors: everything, oldest first."""
    store = request.app.state.world.store
    if not _wants_page(request):
        kinds = {"intents": "payment_intent", "charges": "charge", "refunds": "refund", "disputes": "dispute",
                 "events": "event"}  # fmt: skip
        return JSONResponse({name: store.page(kind, oldest_first=True) for name, kind in kinds.items()})
    deliveries = store.db.execute(
        "select d.*, json_extract(o.doc, '$.type') as type from delivery d join object o on o.id = d.event "
        "order by d.id desc limit ?",
        (SHOWN,),
    ).fetchall()
    return _page(
        "payments.html",
        intents=store.page("payment_intent", limit=SHOWN),
        charges=store.page("charge", limit=SHOWN),
        refunds=store.page("refund", limit=SHOWN),
        deliveries=deliveries,
    )


@router.get("/pay/{intent_id}")
async def pay_page(request: Request, intent_id: str, client_secret: str, return_url: str | None = None) -> Response:
    return _show_pay(request, intent_id, client_secret, return_url)


@router.post("/pay/{intent_id}")
async def pay(request: Request, intent_id: str, client_secret: str, return_url: str | None = None) -> Response:
    call, fields = _call(request), await read_fields(request)
    try:
        back = _same_origin(call, return_url)
        params = ConfirmIntent(
            client_secret=client_secret, payment_method=fields.get("payment_method"), return_url=back
        )
        intent = _confirm(call, params, intent_id)
    except ApiError as error:
        return _show_pay(request, intent_id, client_secret, return_url, error)
    if intent["status"] == "requires_action":
        return RedirectResponse(intent["next_action"]["redirect_to_url"]["url"], 303)
    return _leave(request, intent, back)


def _confirm(call: Call, params: ConfirmIntent, intent_id: str) -> Document:
    """A declined card is written down before it is told."""
    refusal: ApiError | None = None
    with call.store.transaction():
        try:
            intent = intents.confirm(call, params, intent_id)
        except ApiError as error:
            refusal = error
    if refusal is not None:
        raise refusal
    return intent


def _show_pay(
    request: Request, intent_id: str, client_secret: str, return_url: str | None, refusal: ApiError | None = None
) -> Response:
    call = _call(request)
    try:
        _same_origin(call, return_url)
        intent = intents.retrieve(call, RetrieveIntent(client_secret=client_secret), intent_id)
    except ApiError as error:
        return _page("message.html", error.status, title="Cannot pay", message=str(error))
    is_open = intent["status"] in intents.OPEN
    status = 200 if refusal is None else refusal.status
    return _page("pay.html", status, intent=intent, cards=cards.CARDS.values(), is_open=is_open, refusal=refusal)


def _same_origin(call: Call, url: str | None) -> str | None:
    """Raises ApiError 400 for an address elsewhere: the page must not send people away from the cinema."""
    if url is None:
        return None
    target, origin = urlsplit(url), urlsplit(call.origin)
    if url.startswith("/") and not url.startswith(("//", "/\\")):
        return call.origin + url
    if (target.scheme, target.netloc) != (origin.scheme, origin.netloc):
        raise ApiError("return_url must be on this site.", param="return_url")
    return url


@router.get("/3ds/{intent_id}")
async def challenge_page(request: Request, intent_id: str, client_secret: str) -> Response:
    try:
        intent = intents.retrieve(_call(request), RetrieveIntent(client_secret=client_secret), intent_id)
    except ApiError as error:
        return _page("message.html", error.status, title="The bank does not know this payment", message=str(error))
    return _page("challenge.html", intent=intent, is_asked=intent["status"] == "requires_action")


@router.post("/3ds/{intent_id}")
async def answer_challenge(request: Request, intent_id: str, client_secret: str) -> Response:
    """`decision`: `approve` or `refuse`, as the page's form or as JSON."""
    call = _call(request)
    try:
        decision = validate(BankDecision, await read_fields(request, accepts_json=True)).decision
        with call.store.transaction():
            intent = intents.retrieve(call, RetrieveIntent(client_secret=client_secret), intent_id)
            next_action = intent["next_action"]
            payments.answer_challenge(call, intent, decision == "approve")
    except ApiError as error:
        return JSONResponse(error.body, error.status)
    return _leave(request, intent, next_action["redirect_to_url"]["return_url"])


def _leave(request: Request, intent: Document, return_url: str | None) -> Response:
    """Back to the shop, with what Stripe appends to the address."""
    outcome = "failed" if intent["status"] == "requires_payment_method" else "succeeded"
    if "json" in request.headers.get("content-type", ""):
        return JSONResponse({"id": intent["id"], "status": intent["status"], "return_url": return_url})
    if return_url is None:
        return _page("message.html", title=f"Payment {intent['status']}", message="You can close this page.")
    told = {
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": outcome,
    }
    target = urlsplit(return_url)
    query = "&".join(filter(None, [target.query, urlencode(told)]))
    return RedirectResponse(urlunsplit(target._replace(query=query)), 303)
