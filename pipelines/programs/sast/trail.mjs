// Follows values back to a request, within one file. Called by request_data.mjs.
//
// A value counts as the client's when it is read from a request (`req.query`, a destructured `{ body }`, `req.get(...)`) or
// made of such a value by joining, choosing or one of the known conversions below. Any other call ends the trail: whatever
// checks or converts a value (`Number(...)`, `schema.parse(...)`, `path.basename(...)`) makes it the program's own. That is
// less than an analysis of the whole program's data flow, and it raises no alarm over checked data.

export const RESPONSE = /^(res|response|reply)$/;
const REQUEST = /^(req|request)$/;
const PARTS = new Set(["query", "params", "body", "headers", "cookies", "url", "originalUrl"]);
const GETTERS = new Set(["get", "header", "param"]);
const CONVERSIONS = new Set([
  ...["String", "decodeURI", "decodeURIComponent", "unescape", "URL", "Buffer.from", "JSON.parse", "atob"],
  ...[
    "path.join",
    "path.resolve",
    "path.normalize",
    "join",
    "resolve",
    "normalize",
    "fileURLToPath",
    "pathToFileURL",
  ],
]);
const STRING_METHODS = new Set([
  ...[
    "concat",
    "trim",
    "trimStart",
    "trimEnd",
    "toString",
    "toLowerCase",
    "toUpperCase",
    "slice",
    "substring",
    "substr",
  ],
  ...[
    "replace",
    "replaceAll",
    "split",
    "join",
    "at",
    "pop",
    "shift",
    "padStart",
    "padEnd",
    "normalize",
    "repeat",
  ],
]);
/** Find the variable that an identifier stands for. */
export function variableOf(identifier, scope) {
  for (let at = scope; at; at = at.upper) {
    const found = at.set.get(identifier.name);
    if (found) return found;
  }
  return null;
}

/** Name a property that is written out, `a.b` or `a["b"]`. */
export function nameOf(member) {
  if (!member.computed && member.property.type === "Identifier") return member.property.name;
  return member.computed && member.property.type === "Literal" ? String(member.property.value) : "";
}

/** Take off what changes nothing about a value. */
export function bare(node) {
  let at = node;
  while (
    at &&
    [
      "TSAsExpression",
      "TSNonNullExpression",
      "TSTypeAssertion",
      "ChainExpression",
      "AwaitExpression",
      "SpreadElement",
    ].includes(at.type)
  ) {
    at = at.expression ?? at.argument;
  }
  return at;
}

/** Tell whether a function's parameter is a destructured request: `({ query }, res) => ...`. */
function isRequestPattern(definition) {
  const { node } = definition;
  const [first, second] = node.params;
  const answer = second?.type === "Identifier" ? second.name : "";
  return first?.type === "ObjectPattern" && RESPONSE.test(answer.replace(/^_/, ""));
}

/** Tell which key of a pattern an identifier was taken from, at the outermost level. */
export function outerKey(pattern, identifier) {
  const within = (node) => node.range[0] <= identifier.range[0] && identifier.range[1] <= node.range[1];
  const property = pattern.properties.find((each) => within(each));
  return property?.type === "Property" && property.key.type === "Identifier" ? property.key.name : "";
}

/** Follows values back to a request, within one file. */
export class Trail {
  constructor(source) {
    this.source = source;
    this.seen = new Set();
  }

  isRequest(node) {
    const at = bare(node);
    if (at?.type === "Identifier") return REQUEST.test(at.name);
    return at?.type === "MemberExpression" && nameOf(at) === "request" && at.object.name === "ctx";
  }

  /** Tell whether a value is the client's. */
  leads(node) {
    const at = bare(node);
    switch (at?.type) {
      case "MemberExpression":
        if (this.isRequest(at.object) && PARTS.has(nameOf(at))) return true;
        if (at.object.name === "ctx" && ["query", "params"].includes(nameOf(at))) return true;
        return this.leads(at.object);
      case "Identifier":
        return this.variable(at);
      case "TemplateLiteral":
        return at.expressions.some((each) => this.leads(each));
      case "BinaryExpression":
        return at.operator === "+" && (this.leads(at.left) || this.leads(at.right));
      case "LogicalExpression":
        return this.leads(at.left) || this.leads(at.right);
      case "ConditionalExpression":
        return this.leads(at.consequent) || this.leads(at.alternate);
      case "AssignmentExpression":
        return this.leads(at.right);
      case "ArrayExpression":
        return at.elements.some((each) => this.leads(each));
      case "SequenceExpression":
        return this.leads(at.expressions.at(-1));
      case "NewExpression":
      case "CallExpression":
        return this.call(at);
      default:
        return false;
    }
  }

  call(node) {
    const callee = bare(node.callee);
    const written = this.source.getText(callee);
    if (callee.type === "MemberExpression") {
      if (this.isRequest(callee.object) && GETTERS.has(nameOf(callee))) return true;
      if (STRING_METHODS.has(nameOf(callee)) && this.leads(callee.object)) return true;
    }
    return CONVERSIONS.has(written) && node.arguments.some((each) => this.leads(each));
  }

  variable(identifier) {
    const variable = variableOf(identifier, this.source.getScope(identifier));
    if (!variable || this.seen.has(variable)) return false;
    this.seen.add(variable);
    const [definition] = variable.defs;
    const taken = definition?.name;
    if (definition?.type === "Parameter" && isRequestPattern(definition)) {
      if (definition.node.params[0].range[1] >= taken.range[1])
        return PARTS.has(outerKey(definition.node.params[0], taken));
    }
    const written = variable.references.filter((each) => each.writeExpr);
    const led = written.some((each) => {
      if (this.isRequest(each.writeExpr)) {
        return (
          definition?.node.id?.type === "ObjectPattern" && PARTS.has(outerKey(definition.node.id, taken))
        );
      }
      return this.leads(each.writeExpr);
    });
    this.seen.delete(variable);
    return led;
  }
}
