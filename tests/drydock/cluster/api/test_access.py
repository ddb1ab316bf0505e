"""Rights: what a role gives, what nobody can give away, and acting as somebody else."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.drydock.cluster.api.conftest import RBAC, Asker, binding, role, rule

ROLES = f"/apis/{RBAC}/v1/namespaces/default/roles"
MAPS = "/api/v1/namespaces/default/configmaps"


async def give(admin: Asker, *rules: dict, name: str = "r") -> None:
    """Let jane do something in the namespace."""
    assert (await admin.create(role(name, *rules))).code == 201
    assert (await admin.create(binding(name, name))).code == 201


async def test_a_role_cannot_grant_what_its_author_lacks(admin: Asker, jane: Asker) -> None:
    """The refusal names user, groups and the missing rights, those of one resource together."""
    await give(admin, rule("create", "roles", RBAC), rule("get list", "configmaps"))
    more = role("more", rule("get delete", "configmaps secrets"))
    answer = await jane.create(more)
    assert answer.code == 403
    assert answer.body["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["dev"'
        ' "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}'
    )
    assert (await jane.create(role("less", rule("get", "configmaps")))).code == 201


async def test_the_verb_escalate_lifts_the_check(admin: Asker, jane: Asker) -> None:
    """Whoever holds it may write any role."""
    await give(admin, rule("create escalate", "roles", RBAC))
    assert (await jane.create(role("more", rule("*", "*")))).code == 201


async def test_a_binding_needs_the_rights_of_its_role_or_the_verb_bind(
    admin: Asker, jane: Asker
) -> None:
    """An absent role is 404 for whoever would need its rules."""
    await give(admin, rule("create", "rolebindings", RBAC))
    assert (await jane.create(binding("b", "view", "bob", "ClusterRole"))).code == 403
    assert (await jane.create(binding("b", "none", "bob"))).code == 404
    bind = rule("bind", "clusterroles", RBAC, resourceNames=["view"])
    await give(admin, bind, name="binder")
    assert (await jane.create(binding("b", "view", "bob", "ClusterRole"))).code == 201
    assert (await jane.create(binding("e", "edit", "bob", "ClusterRole"))).code == 403


async def test_a_named_list_needs_only_the_name(admin: Asker, jane: Asker) -> None:
    """`metadata.name` in the field selector counts as a resource name; without it the list is refused."""
    await give(admin, rule("list watch", "configmaps", resourceNames=["mine"]))
    assert (await jane.ask("GET", f"{MAPS}?fieldSelector=metadata.name=mine")).code == 200
    assert (await jane.ask("GET", f"{MAPS}?fieldSelector=metadata.name=other")).code == 403
    assert (await jane.ask("GET", MAPS)).code == 403


async def test_every_part_of_an_identity_needs_leave(admin: Asker, jane: Asker) -> None:
    """Users, groups and accounts are asked for one by one."""
    cluster = role("actor", rule("impersonate", "users"), kind="ClusterRole")
    await admin.create(cluster)
    bound = binding("actor", "actor", kind="ClusterRole")
    bound |= {"kind": "ClusterRoleBinding", "metadata": {"name": "actor"}}
    assert (await admin.create(bound)).code == 201
    asked = {"impersonate_user": "bob", "impersonate_group": "ops"}
    answer = await jane.ask("GET", MAPS, **asked)
    assert answer.body["message"] == (
        'groups "ops" is forbidden: User "jane" cannot impersonate resource "groups" in API group ""'
        " at the cluster scope"
    )
    answer = await jane.ask("GET", MAPS, impersonate_user="system:serviceaccount:default:bot")
    assert 'serviceaccounts "bot" is forbidden' in answer.body["message"]
    answer = await jane.ask("GET", MAPS, impersonate_user="bob")
    assert 'User "bob" cannot list resource "configmaps"' in answer.body["message"]
    assert (await jane.ask("GET", MAPS, impersonate_group="ops")).code == 500


@pytest.mark.parametrize("name", ["admin", "edit", "view"])
async def test_the_usual_roles_hold_rules_from_the_start(admin: Asker, name: str) -> None:
    """They are aggregated, and complete before any controller has run."""
    answer = await admin.ask("GET", f"/apis/{RBAC}/v1/clusterroles/{name}")
    assert answer.body["rules"]
    assert answer.body["aggregationRule"]["clusterRoleSelectors"]
    pods = [one for one in answer.body["rules"] if "pods" in one["resources"]]
    assert any("get" in one["verbs"] for one in pods)
    assert any("delete" in one["verbs"] for one in pods) == (name != "view")


@pytest.mark.parametrize(
    ("name", "what", "reads", "writes"),
    [
        ("edit", "deployments.apps", True, True),
        ("edit", "deployments.apps/scale", True, True),
        ("edit", "leases.coordination.k8s.io", True, True),
        ("edit", "secrets", True, True),
        ("edit", "endpoints", True, False),
        ("edit", "endpointslices.discovery.k8s.io", True, False),
        ("edit", "controllerrevisions.apps", True, False),
        ("edit", "deployments.apps/status", True, False),
        ("edit", "poddisruptionbudgets.policy/status", True, False),
        ("edit", "pods/log", True, False),
        ("edit", "pods/status", True, False),
        ("admin", "endpoints", True, False),
        ("admin", "roles.rbac.authorization.k8s.io", True, True),
        ("view", "leases.coordination.k8s.io", False, False),
        ("view", "secrets", False, False),
        ("view", "pods/log", True, False),
    ],
)
async def test_the_usual_roles_write_wishes_alone(
    admin: Asker, jane: Asker, name: str, what: str, reads: bool, writes: bool
) -> None:
    """What controllers say is read by all of them and written by none."""
    assert (await admin.create(binding("b", name, kind="ClusterRole"))).code == 201
    full, _, part = what.partition("/")
    resource, _, group = full.partition(".")
    about = {"namespace": "default", "resource": resource, "group": group, "subresource": part}
    for verb, allowed in (("list", reads), ("patch", writes), ("delete", writes)):
        answer = await jane.ask(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {**about, "verb": verb}},
            },
        )
        assert (verb, answer.body["status"]["allowed"]) == (verb, allowed)


async def test_anybody_can_check_a_token_with_the_published_key(admin: Asker) -> None:
    """The key set names the key that a token's head names, and it fits the signature."""
    tokens = admin.api.core.tokens
    account = {"metadata": {"name": "bot", "namespace": "default", "uid": "1"}}
    token = tokens.issue(account, seconds=600, audiences=[], bound=None)
    head, body, signature = token.split(".")
    answer = await admin.ask("GET", "/openid/v1/jwks")
    (key,) = answer.body["keys"]

    def decoded(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    assert json.loads(decoded(head))["kid"] == key["kid"]
    exponent, modulus = (int.from_bytes(decoded(key[name]), "big") for name in "en")
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    signed = f"{head}.{body}".encode()
    public.verify(decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    settings = await admin.ask("GET", "/.well-known/openid-configuration")
    assert settings.body["jwks_uri"].endswith("/openid/v1/jwks")
