"""What runs at a partner lab: reading its files, the offline check, the push, receipts.

It imports the contract and nothing else of ours, so that a lab's install stays small; it must run on Windows too.
"""
