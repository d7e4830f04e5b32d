"""Who may do what: the two questions that the server asks before it does anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lapstrake.apiserver import status
from lapstrake.apiserver.authn import impersonated
from lapstrake.apiserver.identity import MASTERS, User
from lapstrake.apiserver.requests import Target

Headers = Mapping[str, str]
"""Names in lower case; of a name that is given more often, the values joined by newlines."""


class Authenticator(Protocol):
    """Tells who sends a request; None if the credentials are wrong."""

    def authenticate(self, headers: Headers) -> User | None: ...


class Authorizer(Protocol):
    """Tells whether ``user`` may; either a resource, or a path that is none."""

    def allowed(
        self,
        user: User,
        verb: str,
        *,
        group: str = "",
        resource: str = "",
        subresource: str = "",
        namespace: str = "",
        name: str = "",
        path: str = "",
    ) -> bool: ...


class Everybody:
    """Authenticator and Authorizer of a server that trusts whoever reaches it."""

    def authenticate(self, headers: Headers) -> User | None:
        return User("admin", (MASTERS, "system:authenticated"))

    def allowed(
        self,
        user: User,
        verb: str,
        *,
        group: str = "",
        resource: str = "",
        subresource: str = "",
        namespace: str = "",
        name: str = "",
        path: str = "",
    ) -> bool:
        return True


_OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/version/")


class Access:
    """Authentication, impersonation and authorization of one request."""

    def __init__(self, authenticator: Authenticator, authorizer: Authorizer) -> None:
        self._authenticator = authenticator
        self.authorizer = authorizer

    def user(self, headers: Headers) -> tuple[User, User | None]:
        """Who acts, and who impersonates that user, if anybody. Raises Unauthorized."""
        user = self._authenticator.authenticate(headers)
        if user is None:
            raise status.unauthorized()
        if "impersonate-user" not in headers:
            return user, None
        groups = tuple(filter(None, headers.get("impersonate-group", "").split("\n")))
        extra = {
            name.removeprefix("impersonate-extra-"): tuple(value.split("\n"))
            for name, value in headers.items()
            if name.startswith("impersonate-extra-")
        }
        other = impersonated(headers, groups, extra)
        return (user, None) if other is None else (other, user)

    def check(self, user: User, verb: str, target: Target, *, impersonator: User | None = None) -> None:
        """Raise Forbidden unless ``user`` may do this to the resource."""
        if impersonator is not None and not self._may_impersonate(impersonator, user):
            raise _forbidden(impersonator, f"impersonate-on:user-info:{verb}", target)
        if not self.authorizer.allowed(
            user,
            verb,
            group=target.group,
            resource=target.plural,
            subresource=target.subresource,
            namespace=target.place,
            name=target.name,
        ):
            raise _forbidden(user, verb, target)

    def check_path(self, user: User, verb: str, path: str) -> None:
        """The same for a path that is no resource."""
        if path.startswith(_OPEN_PATHS):
            return
        if not self.authorizer.allowed(user, verb, path=path):
            raise status.forbidden_path(user.name, verb, path)

    def _may_impersonate(self, user: User, other: User) -> bool:
        allowed = self.authorizer.allowed
        if other.name.startswith("system:serviceaccount:"):
            namespace, _, name = other.name.removeprefix("system:serviceaccount:").partition(":")
            if not allowed(user, "impersonate", resource="serviceaccounts", namespace=namespace, name=name):
                return False
        elif not allowed(user, "impersonate", resource="users", name=other.name):
            return False
        implied = ("system:authenticated", "system:serviceaccounts")
        return all(
            group.startswith(implied) or allowed(user, "impersonate", resource="groups", name=group)
            for group in other.groups
        )


def _forbidden(user: User, verb: str, target: Target) -> status.ApiError:
    resource = f"{target.plural}/{target.subresource}" if target.subresource else target.plural
    place = f'in the namespace "{target.place}"' if target.place else "at the cluster scope"
    text = f'User "{user.name}" cannot {verb} resource "{resource}" in API group "{target.group}" {place}'
    return status.forbidden(target.plural, target.name, target.group, text)
