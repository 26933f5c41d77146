"""Looking a store over: audits, checks, comparisons, counts. All of it reads, and changes nothing."""
