/**
 * Says where and why a text is not JSON (RFC 8259), without quoting it: it may contain a
 * secret. The parser's own error quotes the text and often names no position.
 *
 * @returns a predicate of which the body is the subject; `undefined` for JSON
 */
export function describeJsonError(text: string): string | undefined {
  if (text.trim() === "") return "is empty";
  // Each letter of UTF-16 without a byte order mark has a byte of zero, which is UTF-8 too.
  if (/^(?:\0[^\0]|[^\0]\0)/.test(text)) return "is UTF-16: send UTF-8";
  const fault = findFault(text);
  if (fault === undefined) return undefined;
  if (/^[\w.~%+-]+=[^{}[\]"]*$/.test(text)) return "is a form, not JSON";
  const lines = text.slice(0, fault.at).split("\n");
  const column = (lines.at(-1) ?? "").length + 1;
  return `is not JSON at line ${lines.length}, column ${column}: ${fault.reason}`;
}

interface Fault {
  at: number;
  reason: string;
}

/** What the scanner expects next. */
type Expected = "value" | "valueOrEnd" | "name" | "nameOrEnd" | "colon" | "commaOrEnd" | "end";

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const word = /true|false|null/y;
const plainText = /[ !#-[\]-\u{10ffff}]+/uy;
const escaped = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/** Reads the text token by token, without recursion. */
function findFault(text: string): Fault | undefined {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let at = 0;
  const afterValue = (): Expected => (open.length === 0 ? "end" : "commaOrEnd");
  const fault = (reason: string): Fault => ({ at, reason });
  for (;;) {
    at = skip(/[ \t\n\r]*/y, text, at) ?? at;
    const char = text[at];
    if (char === undefined) {
      return expected === "end" ? undefined : fault(endedEarly(open.at(-1)));
    }
    if (expected === "end") return fault("there is more after the end of the value");
    if (char === "'" || char === "“" || char === "‘") {
      return fault("a string or a name must be in double quotes");
    }
    if (char === "/" || char === "#") return fault("a comment is not allowed");
    if (expected === "colon") {
      if (char !== ":") return fault("a colon is missing after the name");
      expected = "value";
      at++;
    } else if (expected === "commaOrEnd" && char === ",") {
      expected = open.at(-1) === "{" ? "name" : "value";
      at++;
    } else if (char === "}" || char === "]") {
      const opening = char === "}" ? "{" : "[";
      if (expected === "value" && open.at(-1) === "{") return fault("a value is missing");
      if (expected === "name" || (expected === "value" && open.length > 0)) {
        return fault(`a comma must not stand before ${char}`);
      }
      if (open.at(-1) !== opening) return fault(`${char} does not close what is open`);
      open.pop();
      expected = afterValue();
      at++;
    } else if (expected === "commaOrEnd") {
      return fault("a comma is missing");
    } else if (expected === "name" || expected === "nameOrEnd") {
      if (char !== '"') return fault("a name must be in double quotes");
      const string = readString(text, at);
      if (typeof string === "object") return string;
      at = string;
      expected = "colon";
    } else if (char === "{" || char === "[") {
      open.push(char);
      expected = char === "{" ? "nameOrEnd" : "valueOrEnd";
      at++;
    } else if (char === '"') {
      const string = readString(text, at);
      if (typeof string === "object") return string;
      at = string;
      expected = afterValue();
    } else {
      const end = skip(number, text, at) ?? skip(word, text, at);
      if (end === undefined) return fault("this is no value: a string needs double quotes");
      at = end;
      expected = afterValue();
    }
  }
}

/** The index after a string, or its fault. */
function readString(text: string, start: number): number | Fault {
  let at = start + 1;
  for (;;) {
    if (text[at] === '"') return at + 1;
    if (at >= text.length) return { at: start, reason: "this string does not end" };
    const next = skip(plainText, text, at) ?? skip(escaped, text, at);
    if (next === undefined) {
      const isEscape = text[at] === "\\";
      const reason = isEscape
        ? "this escape is not one of JSON's"
        : "a control character must be escaped in a string";
      return { at, reason };
    }
    at = next;
  }
}

function endedEarly(open: "{" | "[" | undefined): string {
  if (open === undefined) return "a value is missing";
  return `the text ends before its ${open === "{" ? "}" : "]"}`;
}

/** The index after a match at this index; `undefined` where there is none. */
function skip(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
