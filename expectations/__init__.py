"""Great Expectations: what each site's data and each release candidate must look like.

Rules about a single row are the contract's, verdicts on rows the registry's; what a failure leads to is pipelines/.
"""
