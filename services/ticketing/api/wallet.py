from fastapi import APIRouter

from services.shared.auth import CurrentUser
from services.shared.db import Session, Transactions
from services.shared.errors import refusals
from services.shared.idempotency import Idempotent
from services.ticketing.api.resources import Provider
from services.ticketing.commands import topups
from services.ticketing.errors import GuestsHaveNoWallet
from services.ticketing.queries import wallet
from services.ticketing.schemas.wallet import TopUpInput, TopUpView, WalletView

router = APIRouter(prefix="/wallet", tags=["wallet"], route_class=Idempotent)


@router.get("", response_model=WalletView)
async def get_wallet(user: CurrentUser, session: Session) -> wallet.Statement:
    """Your coins, and how they came and went."""
    return await wallet.statement(session, user.id)


@router.post("/topup", response_model=TopUpView, responses=refusals(GuestsHaveNoWallet))
async def top_up(body: TopUpInput, user: CurrentUser, transactions: Transactions, payments: Provider) -> topups.Started:
    """Buy coins by card. They are there once the payment provider tells us that it was paid."""
    return await topups.start(transactions, payments, user, body.amount)
