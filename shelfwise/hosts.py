"""What a host may look like in a URL that is called. It loads nothing of Django: the environment is
read before it.
"""

import re
from ipaddress import ip_address

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_ENDS_AS_A_NUMBER = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)$")


def is_address(host: str) -> bool:
    """Whether it is an IPv4 address as it is always written, or an IPv6 one without brackets."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_name(host: str) -> bool:
    """Whether it could be a name, in small letters. An IPv4 address could, in any spelling."""
    return _NAME.fullmatch(host) is not None


def is_address_to_resolvers(host: str) -> bool:
    """Whether resolvers take a name for an IPv4 address in an old spelling: `127.1`, `0x7f.1`,
    `2130706433`.
    """
    return _ENDS_AS_A_NUMBER.search(host) is not None
