"""How many examples the tests of the law try: few in the normal suite, many with ``--hypothesis-profile=nightly``."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

NIGHTLY = settings.get_current_profile_name() == "nightly"
MORE_BY_NIGHT = 40


def effort(examples: int) -> settings:
    """Settings of a test whose examples are dear: no deadline, and a failing one is made smaller only by night.

    Args:
        examples: How many the normal suite tries.
    """
    by_day = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(
        max_examples=examples * MORE_BY_NIGHT if NIGHTLY else examples,
        phases=[*by_day, Phase.shrink] if NIGHTLY else by_day,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


patience = pytest.mark.timeout(0 if NIGHTLY else 600)
"""Time for such a test; as much as it takes by night."""
