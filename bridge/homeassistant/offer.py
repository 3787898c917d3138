"""What the configuration lets Home Assistant have."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.config import Config
from bridge.homeassistant.words import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The options of `[homeassistant]`, and what follows from others: commands that are denied and fields that are never published have
    no entities. `pictures`: they are published on topics; `inline`: in events, as base64. `may_join`: new terminals can be let in."""

    language: Language = "en"
    doorbell: bool = True
    lock: bool = False
    tags: bool = False
    body_temperature: bool = False
    deny: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    pictures: bool = True
    inline: bool = False
    may_join: bool = True

    @classmethod
    def of(cls, config: Config) -> Offer:
        """What this configuration says."""
        wanted = config.homeassistant
        return cls(
            language=config.language,
            doorbell=wanted.doorbell,
            lock=wanted.lock,
            tags=wanted.tags,
            body_temperature=wanted.body_temperature,
            deny=frozenset(config.commands.deny),
            omit=frozenset(config.privacy.omit),
            pictures=config.images.publish in ("topic", "both"),
            inline=config.images.publish in ("inline", "both"),
            may_join=config.registration.policy != "closed",
        )
