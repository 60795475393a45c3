from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from services.shared.auth import Manager
from services.shared.db import Session
from services.shared.errors import ValidationFailed
from services.ticketing.queries import reports
from services.ticketing.queries.reports import DaysOf, GroupBy, Period
from services.ticketing.schemas.reports import ReportView, as_csv

router = APIRouter(prefix="/reports", tags=["reports"])

LONGEST = timedelta(days=366)
USUAL = timedelta(days=30)

Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


def asked_period(
    first: Annotated[Day, Query(alias="from", description="The first day; 30 days before `to` by itself.")] = None,
    last: Annotated[Day, Query(alias="to", description="The last day; today by itself.")] = None,
    theater_id: UUID | None = None,
    days_of: Annotated[DaysOf, Query(description="Days of the show, or of the sale.")] = DaysOf.SHOW,
) -> Period:
    """Raises ValidationFailed."""
    today = datetime.now(UTC).date()
    end = last or max(today, first or today)
    begin = first or end - USUAL
    if begin > end:
        raise ValidationFailed(errors=[{"pointer": "/query/from", "message": "Must not be after `to`."}])
    if end - begin >= LONGEST:
        raise ValidationFailed(errors=[{"pointer": "/query/from", "message": "At most 366 days at once."}])
    return Period(begin, end, theater_id, days_of)


Asked = Annotated[Period, Depends(asked_period)]
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("/sales", response_model=ReportView, responses=CSV)
async def report_sales(
    _: Manager,
    session: Session,
    period: Asked,
    group_by: GroupBy = GroupBy.DAY,
    accept: Annotated[str, Header(description="`text/csv` for a spreadsheet.")] = "application/json",
) -> ReportView | Response:
    """Revenue, refunds, seats and occupancy of the shows of some days, as JSON or CSV."""
    report = await reports.sales(session, period, group_by)
    return spreadsheet(report) if "text/csv" in accept.lower() else ReportView.of(report)


def spreadsheet(report: reports.Report) -> Response:
    period = report.period
    name = f"sales-by-{report.group_by}-{period.first}-{period.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return Response(as_csv(report), media_type="text/csv; charset=utf-8", headers=headers)
