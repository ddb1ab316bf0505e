"""The CI wrappers: valid for their systems, one `dagger call` each, nothing more allowed than needed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.catalog.environment import parse_environment
from pipelines.flows.admission import AdmissionError, check_ref
from pipelines.model import Approval, Standing
from pipelines.stages.standing import short_ref

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github/workflows/ship.yml"
GITLAB = ROOT / ".gitlab-ci.yml"
BIN = Path(sys.executable).parent
APPROVED = '--approved-by="$APPROVED_BY"'


ENVIRONMENTS = [
    parse_environment(str(path.relative_to(ROOT)), path.read_text())
    for path in sorted(ROOT.glob("manifests/environments/*/environment.yaml"))
]


def tool(name: str) -> str:
    """Find a program of this virtual environment."""
    found = shutil.which(name, path=str(BIN)) or shutil.which(name)
    assert found, f"{name} is not installed, run: make setup-dev"
    return found


def load(path: Path) -> dict[str, Any]:
    """Read a wrapper; YAML 1.1 takes the key `on` for a truth value."""
    values: dict[str, Any] = yaml.safe_load(path.read_text())
    return values


def test_the_github_workflow_passes_actionlint() -> None:
    done = subprocess.run(
        [tool("actionlint"), "-no-color", "-shellcheck=", "-pyflakes=", str(GITHUB)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "path"), [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)]
)
def test_each_wrapper_fits_its_schema(schema: str, path: Path) -> None:
    done = subprocess.run(
        [tool("check-jsonschema"), "--builtin-schema", schema, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_ships_with_one_call_and_least_permissions() -> None:
    workflow = load(GITHUB)
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["check"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["ship"]["permissions"] == {"contents": "read", "packages": "write"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert not any("run" in step for step in steps)
    calls = [
        step["with"]["call"] for step in workflow["jobs"]["ship"]["steps"] if "call" in step["with"]
    ]
    assert len(calls) == 1
    assert calls[0].endswith(
        f'ship --env="$TARGET" --ref="$GITHUB_REF" --by="$GITHUB_TRIGGERING_ACTOR" {APPROVED}'
    )


def test_every_action_is_pinned_by_commit() -> None:
    uses = [line.strip() for line in GITHUB.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_no_credential_stays_in_the_checkout() -> None:
    for job in load(GITHUB)["jobs"].values():
        for step in job["steps"]:
            if step["uses"].startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_gitlab_ships_with_one_call_and_asks_before_staging_and_production() -> None:
    pipeline = load(GITLAB)
    assert len(pipeline[".ship"]["script"]) == 1
    words = f'--ref="$SHIP_REF" --by="$GITLAB_USER_LOGIN" {APPROVED}'
    assert pipeline[".ship"]["script"][0].endswith(f'ship --env="$CI_ENVIRONMENT_NAME" {words}')
    assert "when" not in pipeline["ship to test"]["rules"][0]
    for name in ("staging", "production"):
        job = pipeline[f"ship to {name}"]
        assert job["environment"] == job["resource_group"] == name
        assert job["rules"][0]["when"] == "manual"


def test_no_value_of_an_event_is_ever_pasted_into_a_command() -> None:
    """A branch or a tag may be called `$(rm -rf .)`: it comes as a variable, in quotation marks."""
    (step,) = [each for each in load(GITHUB)["jobs"]["ship"]["steps"] if "call" in each["with"]]
    (line,) = load(GITLAB)[".ship"]["script"]
    for call in (step["with"]["call"], line):
        assert "${{" not in call
        assert all(f'"${name}"' in call for name in re.findall(r"\$(\w+)", call))


def test_github_names_nobody_where_nobody_was_asked() -> None:
    (step,) = [each for each in load(GITHUB)["jobs"]["ship"]["steps"] if "call" in each["with"]]
    assert step["env"]["APPROVED_BY"].startswith("${{ github.ref_name != 'develop' && ")
    assert step["env"]["APPROVED_BY"].endswith(" || '' }}")


def test_github_delivers_to_an_environment_once_at_a_time() -> None:
    """Two tags are two refs and one production: the group is the environment, as in GitLab's wrapper."""
    workflow = load(GITHUB)
    ship = workflow["jobs"]["ship"]
    assert "concurrency" not in workflow
    assert ship["concurrency"]["group"] == f"ship-{ship['environment']}"
    assert ship["concurrency"]["cancel-in-progress"] is False


def test_gitlab_hands_the_kubeconfig_over_as_a_file() -> None:
    """Several lines cannot be a masked variable."""
    assert '--kubeconfig=file:"$KUBECONFIG_FILE"' in load(GITLAB)[".ship"]["script"][0]


def test_what_the_wrappers_rely_on_is_in_the_list_of_what_to_set_up() -> None:
    """Without reviewers the workflow's words about an approval would be untrue."""
    told = (ROOT / "ci/README.md").read_text()
    for rule in ("Required reviewers", "Deployment branches and tags", "of type File"):
        assert rule in told


def test_gitlab_names_ref_and_approver_of_each_environment() -> None:
    pipeline = load(GITLAB)
    told = {
        name: pipeline[f"ship to {name}"]["variables"] for name in ("test", "staging", "production")
    }
    branch, approver = "branch:$CI_COMMIT_BRANCH", "$GITLAB_USER_LOGIN"
    assert told == {
        "test": {"SHIP_REF": branch},
        "staging": {"SHIP_REF": branch, "APPROVED_BY": approver},
        "production": {"SHIP_REF": "tag:$CI_COMMIT_TAG", "APPROVED_BY": approver},
    }


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("refs/heads/develop", "test"),
        ("refs/heads/main", "staging"),
        ("refs/tags/v1.2.3", "production"),
    ],
)
def test_an_environment_takes_exactly_what_the_wrappers_send_it(ref: str, name: str) -> None:
    standing = Standing(revision="0" * 40, at=frozenset({short_ref(ref)}))
    for environment in ENVIRONMENTS:
        if environment.name == name:
            check_ref(environment, standing, ref)
            manual = load(GITLAB)[f"ship to {name}"]["rules"][0].get("when") == "manual"
            assert (environment.approval is Approval.REQUIRED) is manual
        elif environment.refs:
            with pytest.raises(AdmissionError):
                check_ref(environment, standing, ref)


def test_both_wrappers_use_the_engine_version_of_the_module() -> None:
    version = json.loads((ROOT / "dagger.json").read_text())["engineVersion"].lstrip("v")
    assert load(GITLAB)["variables"]["DAGGER_VERSION"] == version
    versions = re.findall(r'version: "([\d.]+)"', GITHUB.read_text())
    assert set(versions) == {version}


def test_every_environment_of_the_wrappers_exists() -> None:
    environments = {
        path.parent.name for path in ROOT.glob("manifests/environments/*/environment.yaml")
    }
    assert {"test", "staging", "production"} <= environments
