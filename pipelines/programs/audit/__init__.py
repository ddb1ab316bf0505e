"""Dependency audit: two programs ask (one each for pip-audit and npm), one judges what they were told.

An answer is JSON: `tool`, `reason` (why the audit could not be made, empty when it was), `packages` (how
many were asked about) and `findings`, each with `package`, `version`, `id`, `aliases`, `severity`, `fixed`,
`summary`, `url`, `development` (true when production does without), `file` and `line`.
"""
