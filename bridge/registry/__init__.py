"""Who may join: the terminals known, their secrets and names, and the policy that admits them."""

from .admission import Change, RegistryAdmission
from .store import Registry
from .terminal import KnownTerminal, Status
from .terms import Terms

__all__ = ["Change", "KnownTerminal", "Registry", "RegistryAdmission", "Status", "Terms"]
