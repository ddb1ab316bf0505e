"""One stage a file. A stage runs tools and judges them: it returns what it made or raises `StageFailure`.

The flows decide the order; a stage knows nothing of other stages.
"""
