// ESLint rules for Angular templates, in files or inline, and for index.html. Called by rules.mjs.
//
// Angular cleans what is bound to `innerHTML` unless the program vouched for it, so a binding alone is worth a note and no more;
// the vouching itself (`bypassSecurityTrust...`) is found in the TypeScript.

const HTML = new Set(["innerHTML", "outerHTML", "srcdoc"]);
const ADDRESSES = new Set(["href", "src", "action", "formaction", "data", "xlink:href"]);
const SCRIPT = /^[\s\u0000-\u001f]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:/i;
const FOREIGN = /^(https?:)?\/\//i;

function rule(description, message, create) {
  return {
    meta: { type: "problem", docs: { description }, messages: { found: message }, schema: [] },
    create,
  };
}

/** Turn the place of something in a template into ESLint's. */
function report(context, node) {
  const { start, end } = node.sourceSpan;
  const at = (place) => ({ line: place.line + 1, column: place.col });
  context.report({ loc: { start: at(start), end: at(end) }, messageId: "found" });
}

export const rules = {
  "html-binding": rule(
    "HTML is made of a value",
    "HTML is made of a value here: it must never be one that the program vouched for.",
    (context) => ({
      BoundAttribute: (node) => {
        if (HTML.has(node.name)) report(context, node);
      },
    }),
  ),
  "script-address": rule(
    "An address is a script",
    "A `javascript:` address runs as code: bind an event instead.",
    (context) => ({
      TextAttribute: (node) => {
        if (ADDRESSES.has(node.name.toLowerCase()) && SCRIPT.test(node.value)) report(context, node);
      },
    }),
  ),
  "foreign-script": rule(
    "A script of another server is loaded without an integrity hash",
    "Whoever owns that server owns this page: serve the script yourself, or give its `integrity` hash.",
    (context) => ({
      // Angular's parser drops scripts, so they are looked for in the text.
      Program: () => {
        const source = context.sourceCode;
        for (const { 0: tag, index } of source.getText().matchAll(/<script\b[^>]*>/gi)) {
          const [, address] = /\ssrc\s*=\s*["']?([^"'\s>]*)/i.exec(tag) ?? [];
          if (!FOREIGN.test(address ?? "") || /\sintegrity\s*=/i.test(tag)) continue;
          const end = source.getLocFromIndex(index + tag.length);
          context.report({ loc: { start: source.getLocFromIndex(index), end }, messageId: "found" });
        }
      },
    }),
  ),
};
