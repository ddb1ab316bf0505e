// Does what a client sends reach a place where it is dangerous? ESLint rules, one for each kind of place. Called by rules.mjs.

import { bare, nameOf, outerKey, RESPONSE, Trail, variableOf } from "./trail.mjs";

const HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+[/?#]/i;
const OWN_PATH = /^\/[^/\\]/;

/** What is dangerous, and where: functions of a module, methods of the response or of anything, globals. */
const SINKS = {
  "code-from-request": {
    says: "is run as code",
    globals: ["eval", "Function", "setTimeout", "setInterval", "setImmediate", "require"],
    modules: { vm: ["runInNewContext", "runInThisContext", "runInContext", "compileFunction", "Script"] },
    imports: true,
  },
  "command-from-request": {
    says: "is run as a command",
    modules: {
      child_process: ["exec", "execSync", "spawn", "spawnSync", "execFile", "execFileSync", "fork"],
    },
  },
  "path-from-request": {
    says: "names a file",
    modules: { fs: "*", "fs/promises": "*" },
    response: ["sendFile", "sendfile", "download", "render"],
    confined: true,
  },
  "redirect-from-request": {
    says: "is where the browser is sent",
    response: ["redirect", "location"],
    places: [0, 1],
    prefix: [HOST, OWN_PATH],
  },
  "address-from-request": {
    says: "is the address of a request to a server",
    globals: ["fetch"],
    modules: {
      http: ["get", "request"],
      https: ["get", "request"],
      axios: "*",
      undici: "*",
      got: "*",
      "node-fetch": "*",
    },
    prefix: [HOST],
  },
  "html-from-request": { says: "is sent as HTML", response: ["send", "write", "end"] },
  "sql-from-request": {
    says: "is part of an SQL statement",
    methods: ["query", "execute", "raw", "$queryRawUnsafe"],
  },
  "query-from-request": {
    says: "may bring operators of its own into a database's query",
    methods: [
      "find",
      "findOne",
      "findOneAndUpdate",
      "findOneAndDelete",
      "updateOne",
      "updateMany",
      "deleteOne",
      "deleteMany",
      "countDocuments",
    ],
    inside: true,
  },
  "object-from-request": {
    says: "is deserialised",
    methods: ["unserialize", "deserialize"],
    globals: ["unserialize", "deserialize"],
  },
  "pattern-from-request": { says: "is used as a regular expression", globals: ["RegExp"] },
};

/** Name the module that a name was imported or required from, and what of it; empty when it was not. */
function imported(identifier, source) {
  const definition = variableOf(identifier, source.getScope(identifier))?.defs[0];
  const plain = (name) => String(name).replace(/^node:/, "");
  if (definition?.type === "ImportBinding") {
    const { node, parent } = definition;
    const what = node.type === "ImportSpecifier" ? (node.imported.name ?? node.imported.value) : "";
    return { module: plain(parent.source.value), what };
  }
  const made = definition?.type === "Variable" ? bare(definition.node.init) : null;
  if (
    made?.type === "CallExpression" &&
    made.callee.name === "require" &&
    made.arguments[0]?.type === "Literal"
  ) {
    const what =
      definition.node.id.type === "ObjectPattern" ? outerKey(definition.node.id, definition.name) : "";
    return { module: plain(made.arguments[0].value), what };
  }
  return { module: "", what: "" };
}

/** Tell whether a call is one of a sink's. */
function belongs(sink, callee, source) {
  const chosen = (names, name) => names === "*" || (names?.includes(name) ?? false);
  if (callee.type === "Identifier") {
    const { module, what } = imported(callee, source);
    if (module) return chosen(sink.modules?.[module], what || "default");
    return chosen(sink.globals, callee.name) && !variableOf(callee, source.getScope(callee))?.defs.length;
  }
  if (callee.type !== "MemberExpression") return false;
  const name = nameOf(callee);
  const object = bare(callee.object);
  if (chosen(sink.methods, name)) return true;
  if (object.type === "Identifier") {
    if (RESPONSE.test(object.name) && chosen(sink.response, name)) return true;
    const { module, what } = imported(object, source);
    return (
      Boolean(module) && chosen(sink.modules?.[what === "promises" ? `${module}/promises` : module], name)
    );
  }
  // res.status(200).send(...), fs.promises.readFile(...)
  if (object.type === "CallExpression" && object.callee.type === "MemberExpression") {
    return chosen(sink.response, name) && belongs({ response: "*" }, object.callee, source);
  }
  return (
    object.type === "MemberExpression" &&
    nameOf(object) === "promises" &&
    belongs(sink, { ...callee, object: object.object }, source)
  );
}

/** Read the text that a value certainly begins with. */
function beginning(node) {
  const at = bare(node);
  if (at.type === "TemplateLiteral") return at.quasis[0].value.cooked ?? "";
  if (at.type === "BinaryExpression") return beginning(at.left);
  return at.type === "Literal" ? String(at.value) : "";
}

/** Tell whether an argument of a sink's call is the client's, and dangerous there. */
function reaches(sink, node, argument, trail) {
  const at = bare(argument);
  if (sink.inside) {
    if (at.type !== "ObjectExpression") return trail.leads(at) && at.type !== "TemplateLiteral";
    return at.properties.some((each) => reaches(sink, node, each.value ?? each.argument, trail));
  }
  if (
    sink.confined &&
    node.arguments.some((each) => each.properties?.some((one) => one.key?.name === "root"))
  )
    return false;
  if (sink.prefix?.some((pattern) => pattern.test(beginning(at)))) return false;
  return trail.leads(at);
}

function ruleOf(name, sink) {
  return {
    meta: {
      type: "problem",
      docs: { description: `What a client sends ${sink.says}` },
      messages: { found: `What the client sends ${sink.says}: check it against what is allowed first.` },
      schema: [],
    },
    create(context) {
      const source = context.sourceCode;
      const look = (node) => {
        const callee = bare(node.callee);
        if (!belongs(sink, callee, source)) return;
        const judged = node.arguments.filter((_, place) => (sink.places ?? [0]).includes(place));
        if (judged.some((each) => reaches(sink, node, each, new Trail(source))))
          context.report({ node, messageId: "found" });
      };
      const load = (node) => {
        if (sink.imports && new Trail(source).leads(node.source))
          context.report({ node, messageId: "found" });
      };
      return { CallExpression: look, NewExpression: look, ImportExpression: load };
    },
  };
}

/** `object[req.query.key] = value` lets a client write to `__proto__`. */
const prototypePollution = {
  meta: {
    type: "problem",
    docs: { description: "What a client sends names the property that is written" },
    messages: {
      found: "What the client sends names the property that is written, `__proto__` too: use a Map.",
    },
    schema: [],
  },
  create(context) {
    return {
      "AssignmentExpression > MemberExpression.left[computed=true]": (node) => {
        if (new Trail(context.sourceCode).leads(node.property)) context.report({ node, messageId: "found" });
      },
    };
  },
};

export const rules = {
  ...Object.fromEntries(Object.entries(SINKS).map(([name, sink]) => [name, ruleOf(name, sink)])),
  "key-from-request": prototypePollution,
};
