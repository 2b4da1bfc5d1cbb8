"""The aigc_config of a service that gives it back. The one that is documented does not; what is told, counts.

Who adopts, imports or plans without a record asks here. What was recorded is not overruled by it: a service
may spell a text anew, and a deployment is not replaced over that.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from wanctl.base.words import quoted
from wanctl.language.models import AigcConfig
from wanctl.studio.objects import LiveDeployment


def echoed_config(live: LiveDeployment) -> dict[str, Any] | None:
    """What it serves with, as it would be sent; None where that is not told whole and usable."""
    echoed = (live.model_extra or {}).get("aigc_config")
    if not isinstance(echoed, dict):
        return None
    told = {key: echoed[key] for key in AigcConfig.model_fields if echoed.get(key) not in (None, "")}
    try:
        config = AigcConfig.model_validate(told)
    except ValidationError:
        return None
    usable = config.use_input_prompt or (config.prompt and config.lora_prompt_default)
    return config.sent() if usable and not config.unknown else None


def differences(told: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Each value that differs, as told and as the spec has it; blanks around a text are none."""
    return tuple(
        f"{key} {quoted(told.get(key))} (the spec: {quoted(wanted.get(key))})"
        for key in dict.fromkeys((*told, *wanted))
        if _plain(told.get(key)) != _plain(wanted.get(key))
    )


def _plain(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value
