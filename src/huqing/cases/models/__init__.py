"""The tables of casework; one module a part."""

from huqing.cases.models.batches import Batch, BatchLine
from huqing.cases.models.casework import NEVER, Case, CaseState, CaseStep, Evidence, ProcedureVersion
from huqing.cases.models.evaluation import Evaluation, EvaluationCase, Evaluator
from huqing.cases.models.publishing import Objection, PostingProof, PublicPosting, PublicPostingLine

__all__ = [
    "NEVER",
    "Batch",
    "BatchLine",
    "Case",
    "CaseState",
    "CaseStep",
    "Evaluation",
    "EvaluationCase",
    "Evaluator",
    "Evidence",
    "Objection",
    "PostingProof",
    "ProcedureVersion",
    "PublicPosting",
    "PublicPostingLine",
]
