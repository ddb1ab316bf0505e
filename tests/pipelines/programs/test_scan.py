"""scan.sh with the real Trivy: what fails a scan, what is accepted for a while, what could not be looked for."""

from pathlib import Path

import pytest

from tests.pipelines.programs.scanned import DEBIAN, Scanner, layout, status, write

KEY = "AKIA" + "Z7Q2M4N6P8R3T5V9"
TOKEN = "ghp_" + "0123456789abcdefABCDEF0123456789abcd"
PASSWORD = "correct-horse-battery"
SETTINGS = {"app/settings.py": f'AWS_ACCESS_KEY_ID = "{KEY}"\npassword = "{PASSWORD}"\n'}
EXCEPTION = "secrets:\n  - {{id: aws-access-key, statement: planted, expired_at: {day}}}\n"
WITHOUT = "image-without-database"


def told_nowhere(scan: Scanner, told: str, *texts: str) -> bool:
    """Tell whether texts stand neither in the table nor in a report."""
    written = "".join(path.read_text() for path in sorted(scan.out.iterdir()))
    return not any(text in told + written for text in texts)


def test_an_image_with_nothing_in_it_passes_and_has_both_reports(
    scan: Scanner, tmp_path: Path
) -> None:
    code, told = scan(WITHOUT, layout(tmp_path, DEBIAN))
    assert code == 0, told
    assert sorted(path.name for path in scan.out.iterdir()) == ["scan.json", "scan.sarif"]
    assert scan.sarif() == []


def test_a_key_in_the_image_fails_and_is_not_shown(scan: Scanner, tmp_path: Path) -> None:
    code, told = scan(WITHOUT, layout(tmp_path, SETTINGS))
    assert code == 1
    assert "/app/settings.py:1" in told
    assert [each["ruleId"] for each in scan.sarif()] == ["aws-access-key"]
    assert told_nowhere(scan, told, KEY, PASSWORD)


def test_a_secret_in_a_variable_fails_and_no_variable_is_shown(
    scan: Scanner, tmp_path: Path
) -> None:
    variables = [f"GITHUB_TOKEN={TOKEN}", f"DB_PASSWORD={PASSWORD}"]
    image = layout(tmp_path, DEBIAN, Env=variables, Labels={"key": PASSWORD})
    code, told = scan(WITHOUT, image)
    assert code == 1
    assert "github-pat" in told
    assert told_nowhere(scan, told, TOKEN, PASSWORD)


def test_an_image_of_the_superuser_fails(scan: Scanner, tmp_path: Path) -> None:
    code, told = scan(WITHOUT, layout(tmp_path, DEBIAN, User=""))
    assert code == 1
    assert "AVD-DS-0002" in told


def test_what_is_accepted_until_a_later_day_passes(scan: Scanner, tmp_path: Path) -> None:
    assert scan(WITHOUT, layout(tmp_path, SETTINGS), EXCEPTION.format(day="2999-01-01"))[0] == 0


def test_an_exception_whose_day_has_come_hides_nothing(scan: Scanner, tmp_path: Path) -> None:
    assert scan(WITHOUT, layout(tmp_path, SETTINGS), EXCEPTION.format(day="2020-01-01"))[0] == 1


def test_a_scan_without_its_database_is_no_clean_scan(scan: Scanner, tmp_path: Path) -> None:
    code, told = scan("image", layout(tmp_path, DEBIAN))
    assert code == 2
    assert "FATAL" in told
    assert list(scan.out.iterdir()) == []


def test_a_target_that_is_no_image_could_not_be_looked_at(scan: Scanner, tmp_path: Path) -> None:
    assert scan(WITHOUT, tmp_path)[0] == 2


def test_a_history_that_trivy_cannot_read_is_told(scan: Scanner, tmp_path: Path) -> None:
    """The image's configuration is checked as a Dockerfile made of its history; this one never ends."""
    code, told = scan(WITHOUT, layout(tmp_path, DEBIAN, layer="<<END", User=""))
    assert code == 0
    assert "not looked at: [dockerfile scanner] Failed to parse file" in told


def test_a_mode_that_is_none_is_refused(scan: Scanner, tmp_path: Path) -> None:
    code, told = scan("everything", tmp_path)
    assert code == 2
    assert "everything is no mode; use image" in told


@pytest.mark.parametrize(
    "path", ["app.py", "tests/test_app.py", "docs/README.md", "examples/a.js", "a.spec.ts", ".env"]
)
def test_a_secret_in_a_folder_fails_wherever_it_lies(
    scan: Scanner, tmp_path: Path, path: str
) -> None:
    folder = write(
        tmp_path / "scan", {f"services/shop/{path}": f'\ntoken = "{TOKEN}" or "{PASSWORD}"\n'}
    )
    code, told = scan("secrets", folder)
    assert code == 1
    assert f"services/shop/{path}:2" in told
    place = scan.sarif()[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == f"services/shop/{path}"
    assert place["region"]["startLine"] == 2
    assert told_nowhere(scan, told, TOKEN, PASSWORD)


@pytest.mark.parametrize(
    "written",
    ['export const key = "{}";\n', "key = '{}'\n", "key: {}\n", '{{"key": "{}", "b": 1}}\n'],
)
@pytest.mark.parametrize(
    ("secret", "rule"),
    [
        ("AKIA" + "Z7Q2M4N6P8R3T5V9", "aws-access-key"),
        ("npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "npm-token"),
        ("AIza" + "SyA1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q", "google-api-key"),
        ("ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "github-pat"),
    ],
)
def test_a_secret_is_found_in_every_way_to_write_it(
    scan: Scanner, tmp_path: Path, written: str, secret: str, rule: str
) -> None:
    folder = write(tmp_path / "scan", {"services/shop/code": written.format(secret)})
    code, told = scan("secrets", folder)
    assert code == 1
    assert rule in told
    assert secret not in told


def test_a_folder_without_secrets_passes(scan: Scanner, tmp_path: Path) -> None:
    assert scan("secrets", write(tmp_path / "scan", {"services/shop/app.py": "x = 1\n"}))[0] == 0


def test_an_exception_for_one_path_hides_no_other(scan: Scanner, tmp_path: Path) -> None:
    folder = write(tmp_path / "scan", {f"a/{name}.py": f'k = "{KEY}"\n' for name in "xy"})
    accepted = EXCEPTION.format(day="2999-01-01").replace("statement", "paths: [a/x.py], statement")
    code, told = scan("secrets", folder, accepted)
    assert code == 1
    assert "a/y.py" in told
    assert "a/x.py" not in told


def test_an_ignore_file_of_the_folder_itself_counts_for_nothing(
    scan: Scanner, tmp_path: Path
) -> None:
    files = {
        "services/shop/app.py": f'k = "{KEY}"\n',
        "services/shop/.trivyignore": "aws-access-key\n",
    }
    assert scan("secrets", write(tmp_path / "scan", files))[0] == 1


def test_a_careless_dockerfile_fails_and_its_text_is_not_shown(
    scan: Scanner, tmp_path: Path
) -> None:
    text = f"FROM debian:bookworm-slim\nENV AWS_SECRET_ACCESS_KEY={PASSWORD}\nUSER 10001\n"
    code, told = scan("configuration", write(tmp_path / "scan", {"services/shop/Dockerfile": text}))
    assert code == 1
    assert "services/shop/Dockerfile:2" in told
    assert [each["ruleId"] for each in scan.sarif()] == ["DS031"]
    assert told_nowhere(scan, told, PASSWORD)


def test_careless_manifests_fail_and_careful_ones_pass(scan: Scanner, tmp_path: Path) -> None:
    careful = Path(__file__).parents[3] / "manifests/apps/backend/deployment.yaml"
    folder = write(tmp_path / "scan", {"manifests/apps/shop/d.yaml": careful.read_text()})
    code, told = scan("configuration", folder)
    assert code == 0, told
    careless = careful.read_text().replace(
        "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"
    )
    assert careless != careful.read_text()
    code, told = scan("configuration", write(folder, {"manifests/apps/shop/d.yaml": careless}))
    assert code == 1
    assert "AVD-KSV-0014" in told


def test_what_is_found_is_told_in_the_same_order_every_time(scan: Scanner, tmp_path: Path) -> None:
    files = {f"a/{name}.py": f'k = "{KEY}"\nt = "{TOKEN}"\n' for name in "bdaec"}
    folder = write(tmp_path / "scan", files)
    assert len({scan("secrets", folder)[1] for _ in range(4)}) == 1


def test_status_of_a_package_is_no_finding(scan: Scanner, tmp_path: Path) -> None:
    assert scan(WITHOUT, layout(tmp_path, {**DEBIAN, **status("tool", "1.0")}))[0] == 0
