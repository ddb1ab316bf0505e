"""Where a request goes: hosts, plain paths, patterns, and who comes first."""

from __future__ import annotations

import pytest

from drydock.cluster.ingress.routes import Routes
from drydock.cluster.ingress.uri import BadPath
from tests.drydock.cluster.ingress.objects import ingress, rule, sample


def where(routes: Routes, host: str, path: str) -> str | None:
    found = routes.find(host, path)
    return found.backend.service if found else None


PLAIN = Routes(
    [
        ingress(
            "shop",
            rule(
                "shop.local",
                ("/", "Prefix", "web"),
                ("/api", "Prefix", "api"),
                ("/api/v2/", "Prefix", "two"),
                ("/api/health", "Exact", "health"),
                ("/asset", "ImplementationSpecific", "assets"),
            ),
            rule("*.shop.local", ("/", "ImplementationSpecific", "any")),
            rule("", ("/open", "Prefix", "open")),
        )
    ]
)


@pytest.mark.parametrize(
    ("host", "path", "service"),
    [
        ("shop.local", "/", "web"),
        ("SHOP.local:8080", "/index.html", "web"),
        ("shop.local", "/api", "api"),
        ("shop.local", "/api/x", "api"),
        ("shop.local", "/apiary", "web"),
        ("shop.local", "/API", "web"),
        ("shop.local", "/api/v2", "two"),
        ("shop.local", "/api/v2/x", "two"),
        ("shop.local", "/api/health", "health"),
        ("shop.local", "/api/health/x", "api"),
        ("shop.local", "/assets.js", "assets"),
        ("a.shop.local", "/x", "any"),
        ("a.b.shop.local", "/x", None),
        ("elsewhere", "/open/x", "open"),
        ("elsewhere", "/x", None),
        ("shop.local", "/open", "web"),
        ("shop.local", "//api///x", "api"),
        ("shop.local", "/api/../index.html", "web"),
        ("shop.local", "/%61pi", "api"),
    ],
)
def test_an_exact_path_wins_then_the_longest_prefix(host, path, service):
    """Of one host: an exact host before its wildcard before rules for any host."""
    assert where(PLAIN, host, path) == service


PATTERNS = Routes(
    [
        ingress("front", rule("", ("/", "Prefix", "web"))),
        ingress("api", rule("", ("/api", "Prefix", "api"), ("/api/ping", "Exact", "ping"))),
        sample("one"),
        ingress("other", rule("other.local", ("/api", "Prefix", "other"))),
    ]
)


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "web"),
        ("/one", "one"),
        ("/one/", "one"),
        ("/one/items/1", "one"),
        ("/One/items", "one"),
        ("/ones", "web"),
        ("/x/one/", "web"),
        ("/api/items", "api"),
        ("/apiary", "api"),
        ("/API", "api"),
        ("/api/ping", "ping"),
        ("/api/pingpong", "ping"),
    ],
)
def test_one_pattern_makes_patterns_of_all_paths_of_the_host(path, service):
    """The longest path is asked first; case does not count, and a path may go on after any letter."""
    assert where(PATTERNS, "any", path) == service


def test_other_hosts_keep_their_plain_paths():
    """What one host's Ingresses say is nothing to another host."""
    assert where(PATTERNS, "other.local", "/api") == "other"
    assert where(PATTERNS, "other.local", "/apiary") is None


@pytest.mark.parametrize(
    ("path", "query", "sent"),
    [
        ("/one", "", "/"),
        ("/one/", "", "/"),
        ("/one/items/1", "", "/items/1"),
        ("/one/items", "q=a%20b&q=c", "/items?q=a%20b&q=c"),
        ("/one/caf%C3%A9/a%20b%3F", "", "/caf%C3%A9/a%20b%3F"),
        ("/one//items", "", "/items"),
    ],
)
def test_a_rewrite_takes_the_prefix_off_and_leaves_the_query(path, query, sent):
    """What was escaped is escaped again."""
    found = PATTERNS.find("any", path, query)
    assert "?".join(part for part in (found.path, found.query) if part) == sent


@pytest.mark.parametrize(
    ("path", "service", "sent"),
    [
        ("/one", "one", "/"),
        ("/one/", "one", "/"),
        ("/one/items/metrics", "one", "/items/metrics"),
        ("/one/my-metrics", "one", "/my-metrics"),
        ("/one/metrics", "web", "/one/metrics"),
        ("/one/Metrics", "web", "/one/Metrics"),
        ("/one//metrics", "web", "/one//metrics"),
        ("/one/./%6detrics", "web", "/one/./%6detrics"),
        ("/one/metrics%0Ax", "web", "/one/metrics%0Ax"),
    ],
)
def test_a_pattern_may_pass_over_what_it_would_take(path, service, sent):
    """A negative lookahead, as PCRE has it; however the path is written that means it."""
    without = ("/one(/|$)(?!metrics)(.*)", "ImplementationSpecific", "one")
    routes = Routes(
        [
            ingress("front", rule("", ("/", "Prefix", "web"))),
            ingress("one", rule("", without), use_regex="true", rewrite_target="/$2"),
        ]
    )
    found = routes.find("any", path)
    assert (found.backend.service, found.path) == (service, sent)


@pytest.mark.parametrize(
    ("target", "query", "sent"),
    [
        ("/v1/$2?via=$1", "", "/v1/b?via=a"),
        ("/v1/$2?via=$1", "x=1", "/v1/b?via=a&x=1"),
        ("/fixed?", "x=1", "/fixed"),
        ("/$3", "", "/"),
        ("/${2}x", "", "/bx"),
    ],
)
def test_a_rewrite_target_may_hold_captures_and_a_query(target, query, sent):
    """The request's query follows that of the target, unless the target ends with a question mark."""
    path = ("/(a)/(b)", "ImplementationSpecific", "web")
    routes = Routes([ingress("x", rule("", path), use_regex="true", rewrite_target=target)])
    found = routes.find("any", "/a/b", query)
    assert "?".join(part for part in (found.path, found.query) if part) == sent


def test_a_path_that_is_not_rewritten_is_passed_on_as_it_was_sent():
    """Slashes and escapes are the pod's business then."""
    assert PATTERNS.find("any", "/api//x%2Fy").path == "/api//x%2Fy"


@pytest.mark.parametrize("path", ["/..", "/a/../../b", "/%2e%2e/x", "/a%00b", "*"])
def test_a_path_that_leads_out_of_the_server_is_bad(path):
    """Nobody gets such a request."""
    with pytest.raises(BadPath):
        PATTERNS.find("any", path)


def test_a_default_backend_without_rules_takes_what_no_host_claims():
    """One with rules takes the rest of their hosts alone."""
    routes = Routes(
        [
            ingress("rest", default="rest"),
            ingress("a", rule("a", ("/x", "Prefix", "x")), default="a"),
            ingress("b", rule("b", ("/x", "Prefix", "x"))),
        ]
    )
    assert where(routes, "c", "/") == "rest"
    assert where(routes, "a", "/y") == "a"
    assert where(routes, "b", "/y") is None


def test_the_older_of_two_ingresses_keeps_a_path_and_the_younger_is_told_of():
    """Whatever their names; the same path of another host or of another type is free."""
    old = ingress("z-old", rule("", ("/x", "Prefix", "old")), age=9)
    young = ingress(
        "a-young",
        rule("", ("/x/", "Prefix", "young"), ("/x", "Exact", "exact"), ("/y", "Prefix", "young")),
        rule("here", ("/x", "Prefix", "young")),
    )
    routes = Routes([young, old])
    assert [where(routes, "any", path) for path in ("/x/1", "/x", "/y")] == [
        "old",
        "exact",
        "young",
    ]
    assert where(routes, "here", "/x") == "young"
    (problem,) = routes.problems
    assert (problem.ingress, problem.reason) == (("default", "a-young"), "PathTaken")
    assert "host * and path /x/ belong to the older Ingress default/z-old" in problem.message


def test_a_broken_pattern_hides_no_other_path():
    """It is told of, and the rest is served."""
    broken = ingress("broken", rule("", ("/(", "ImplementationSpecific", "no")), use_regex="true")
    routes = Routes([broken, sample("one")])
    assert where(routes, "any", "/one/x") == "one"
    assert [problem.reason for problem in routes.problems] == ["InvalidPath"]
    plain = Routes([ingress("plain", rule("", ("/c++", "Prefix", "web")))])
    assert where(plain, "any", "/c++/x") == "web"
    assert not plain.problems


def test_a_canary_gets_no_requests():
    """It shares its path with the main Ingress on purpose, so it must not win it either."""
    canary = ingress("new", rule("", ("/", "Prefix", "new")), age=9, canary="true")
    routes = Routes([canary, ingress("main", rule("", ("/", "Prefix", "main")))])
    assert where(routes, "any", "/") == "main"
    assert [problem.reason for problem in routes.problems] == ["CanaryIgnored"]
