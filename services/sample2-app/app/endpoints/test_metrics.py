"""Metrics."""

from starlette.testclient import TestClient


def test_the_process_tells_its_numbers(client: TestClient) -> None:
    client.get("/")
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'http_requests_total{handler="/",method="GET",status="200"} 1.0' in answer.text
    assert "# TYPE process_cpu_seconds_total counter" in answer.text
    assert "# TYPE process_resident_memory_bytes gauge" in answer.text
    assert "_created" not in answer.text
