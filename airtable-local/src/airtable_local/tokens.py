"""Personal access tokens: who sends a request, and what that user may do."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from attrs.validators import in_

from .messages import ApiError, Request

SCOPES = frozenset({"data.records:read", "data.records:write", "schema.bases:read", "schema.bases:write"})
PERMISSIONS = ("read", "edit", "create")
"""A user's rights in a base, each including the one before. "create" adds tables, fields and choices."""


@frozen
class Token:
    """A personal access token.

    `scopes` limit what it may do, `bases` where (None: in every base). `permission` is its user's right in those bases.
    """

    value: str = field(repr=False)
    scopes: frozenset[str] = SCOPES
    bases: frozenset[str] | None = None
    permission: str = field(default="create", validator=in_(PERMISSIONS))

    def permits(self, permission: str) -> bool:
        return PERMISSIONS.index(self.permission) >= PERMISSIONS.index(permission)

    def reaches(self, base_id: str) -> bool:
        return self.bases is None or base_id in self.bases


def authenticated(request: Request, tokens: Mapping[str, Token]) -> Token:
    """The token that a request carries. Raises ApiError."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not value:
        raise ApiError(401, "AUTHENTICATION_REQUIRED", "Authentication required")
    if value not in tokens:
        raise ApiError(401, "UNAUTHORIZED", "Invalid authentication token")
    return tokens[value]
