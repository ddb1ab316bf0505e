// ESLint rules for what the plugins see only with the types of a whole program. Called by rules.mjs.

function rule(description, message, selector) {
  return {
    meta: { type: "problem", docs: { description }, messages: { found: message }, schema: [] },
    create: (context) => ({ [selector]: (node) => context.report({ node, messageId: "found" }) }),
  };
}

export const rules = {
  "certificate-unchecked": rule(
    "The certificate of a server is not checked",
    "Whoever sits on the way can read and change everything: give the server's authority as `ca` instead.",
    ":matches(Property[key.name='rejectUnauthorized'][value.value=false], AssignmentExpression[left.property.name='NODE_TLS_REJECT_UNAUTHORIZED'][right.value=/^0$/])",
  ),
  "message-for-everyone": rule(
    "A message is sent to windows of any origin",
    "Any page that holds the window reads this: name the origin that it is for.",
    "CallExpression[callee.property.name='postMessage'] > Literal.arguments:nth-child(2)[value='*']",
  ),
};
