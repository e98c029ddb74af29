"""A synthetic cohort with planted faults, and what a registry must make of it.

Nothing here imports the contract's factors, windows or definitions, nor the registry: the truth would be no witness.
"""
