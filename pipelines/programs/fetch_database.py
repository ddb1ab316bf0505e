"""Fetch Trivy's database, if one of the registries that have it answers soon.

Usage: fetch_database.py CACHE REPOSITORY...

Trivy itself waits for ever for a registry that takes the connection and says nothing, as some firewalls do. So each is asked
for anything at all first; what it answers, even a refusal, means that it is there. Ends with Trivy's exit code, and with 1 and
one line per registry on standard error when none could be had.
"""

import subprocess
import sys
import urllib.error
import urllib.request

ANSWER_SECONDS = 10
DOWNLOAD_SECONDS = 180


def silence(url: str, seconds: float = ANSWER_SECONDS) -> str:
    """Ask a server for anything; give the reason why it does not answer, or nothing when it does."""
    try:
        with urllib.request.urlopen(url, timeout=seconds):  # noqa: S310  made by main() below
            return ""
    except urllib.error.HTTPError:
        return ""
    except OSError as error:
        cause = getattr(error, "reason", error)
        return getattr(cause, "strerror", None) or str(cause)


def download(cache: str, repository: str) -> tuple[int, str]:
    """Let Trivy fetch the database from one registry; give its exit code and what it wrote."""
    command = ["timeout", "--kill-after=10", str(DOWNLOAD_SECONDS), "trivy", "--quiet", "image"]
    command += ["--download-db-only", "--cache-dir", cache, "--db-repository", repository]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return done.returncode, lines[-1]


def main(arguments: list[str]) -> int:
    """Try one registry after the other."""
    cache, *repositories = arguments
    for repository in repositories:
        reason = silence(f"https://{repository.partition('/')[0]}/v2/")
        if not reason:
            code, reason = download(cache, repository)
            if code == 0:
                return 0
        sys.stderr.write(f"{repository}: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
