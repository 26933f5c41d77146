"""A pytest plugin for mutation runs: mutmut puts frames between ours, and call sites look through those of ours."""

from mutmut.mutation import trampoline

vars(trampoline)["__name__"] = "runledger.mutated"
