"""HTTP in: parse, call, return."""

from fastapi import APIRouter

from services.users.api import access, administration, me

# Joined by hand, since include_router() knows no route without a path: `GET /api/users`. The order decides: /me, /{id}.
router = APIRouter(routes=[*access.router.routes, *me.router.routes, *administration.router.routes])
