"""A real BentoML server behind a bad network."""

from __future__ import annotations

import pytest

from tests.parity.faces import Face
from tests.servers import Servers

from .faults import Proxy
from .soak import soak


@pytest.fixture(scope="session")
def port(servers: Servers) -> int:
    return servers.server("zoo:Zoo").port


def test_a_bad_network_gives_no_wrong_values_no_hangs_and_no_leaks(face: Face, port: int) -> None:
    with Proxy(port, seed=7) as proxy:
        outcomes = soak(face, proxy.url, calls=500, seed=7)
    assert outcomes.total() == 500
    assert not [what for what in outcomes if what.startswith(("wrong", "hung"))], outcomes
    assert outcomes["right"] > 300
    assert outcomes["ConnectionLost"] > 5, "the network was too good to tell anything"
    assert proxy.cuts > 20
