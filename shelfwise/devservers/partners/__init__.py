"""Stand-ins for the partners, on this machine only: a payment provider, a broker of carriers, an
ISBN service, and tenants' systems that receive webhooks. For `demo` and the tests.

`running_partners` runs them in a process of their own, which keeps all it knows in memory.
`GET /control/` on their plain port tells what they can be made to do wrong.
"""

from shelfwise.devservers.partners.running import Control, Partners, running_partners

__all__ = ["Control", "Partners", "running_partners"]
