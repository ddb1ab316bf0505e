"""GitOps: what is wanted is committed to a git repository, and the cluster follows it. See docs/gitops.md.

deliver -> run -> publish | converge -> repository -> git
"""

from delivery.gitops.deliver import deploy, rollback
from delivery.gitops.preview import dry_run

__all__ = ["deploy", "dry_run", "rollback"]
