"""What a registry must make of the cohort, computed from the cohort's own records.

Plain and slow on purpose. The numbers stand here a second time, as a reader of the definitions writes them down:
nothing is imported from the contract, the registry or the suites, else a mistake there would be a mistake here.
"""
