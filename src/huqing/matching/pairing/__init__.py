"""Pairing helpers with households, pupils, farms, villages: a proposal that meets all quotas, or why none does."""

from huqing.matching.pairing.problem import Helper, Pair, PairingError, Quota, Target, Wishes, Words
from huqing.matching.pairing.solving import Proposal, propose

__all__ = ["Helper", "Pair", "PairingError", "Proposal", "Quota", "Target", "Wishes", "Words", "propose"]
