"""Static security analysis: what stands around bandit (Python) and ESLint (JavaScript, Angular templates)."""
